/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What glibc's malloc keeps in its own data, found by what it has to hold: no symbol names it.
 *
 * The bins of the main arena point to every block that is free, and that pointer is none of the
 * program's.  The sum of blocks with mappings of their own says whether what was taken for them
 * are all of them, and nothing else.
 */
#ifndef SL_PROOF_ARENA_H
#define SL_PROOF_ARENA_H

#include "harness/proof/space.h"

/*
 * Take the bins out of the roots, and make roots of blocks with mappings where the sum is another
 * one.  @return false when memory is short
 */
bool arena_settle(struct proof_space *space, struct heap_view *view);

#endif
