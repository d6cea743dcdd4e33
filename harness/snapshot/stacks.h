/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct stacks of a snapshot: threads with equal frames share one. */
#ifndef SL_SNAPSHOT_STACKS_H
#define SL_SNAPSHOT_STACKS_H

#include "base/arena.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/symbol/symbol.h"
#include "harness/snapshot/unwind/unwind.h"

struct sl_stacks;

/* All borrowed; the arena owns the stacks. */
SL_CHECKED enum sl_status sl_stacks_new(struct sl_symbolizer *symbolizer, struct sl_arena *arena,
                                        struct sl_stacks **ret_stacks, struct sl_error *err);
void sl_stacks_free(struct sl_stacks *stacks);
SL_DEFINE_AUTO(sl_stacks, sl_stacks_free);

/*
 * The stack with these addresses and this end.  Its frames come with the next
 * sl_stacks_symbolize.  @return NULL when memory is short
 */
const struct sl_stack *sl_stacks_get(struct sl_stacks *stacks, const struct sl_pc *pcs,
                                     size_t n_pcs, enum sl_unwind_end end);

/* Give their frames to all stacks that lack them.  Apart, since it takes much longer. */
SL_CHECKED enum sl_status
sl_stacks_symbolize(struct sl_stacks *stacks, const struct sl_maps *maps, struct sl_error *err);

#endif
