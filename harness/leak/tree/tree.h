/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for whom as people read it: roots first, threads that wait alike in one line. */
#ifndef SL_LEAK_TREE_TREE_H
#define SL_LEAK_TREE_TREE_H

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/model/wait_tree.h"

/*
 * Of all threads of a snapshot; O(n log n).
 *
 * @param arena     owns all of the tree, texts too, so that the snapshot may be freed
 * @param ret_tree  set on SL_OK only
 * @return SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_wait_tree_make(const struct sl_snapshot *snapshot,
                                            struct sl_arena *arena, struct sl_wait_tree *ret_tree,
                                            struct sl_error *err);

#endif
