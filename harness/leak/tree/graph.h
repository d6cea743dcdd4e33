/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for whom, thread by thread: where each chain of waits ends, and what goes in circles.
 */
#ifndef SL_LEAK_TREE_GRAPH_H
#define SL_LEAK_TREE_GRAPH_H

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/model/wait_tree.h"

/*
 * Of all threads of a snapshot; O(n log n).  @param ret_graph  sl_wait_graph_release()
 *
 * @return SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_wait_graph_make(const struct sl_snapshot *snapshot,
                                             struct sl_wait_graph *ret_graph, struct sl_error *err);
void sl_wait_graph_release(struct sl_wait_graph *graph);

#endif
