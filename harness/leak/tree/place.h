/* SPDX-License-Identifier: Apache-2.0 */
/* What threads wait at where it is not known which thread they wait for. */
#ifndef SL_LEAK_TREE_PLACE_H
#define SL_LEAK_TREE_PLACE_H

#include "base/arena.h"
#include "harness/model/wait_tree.h"

/* @param ret_places  in the arena, texts too.  @return false when memory is short */
bool place_list(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                const struct sl_wait_place **ret_places, size_t *ret_n_places);

#endif
