/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that ended and that nobody joined. */
#ifndef SL_LEAK_UNJOINED_H
#define SL_LEAK_UNJOINED_H

#include "harness/leak/candidate.h"

/* Is what is left of a thread that ended still there?  false, too, where that is not known. */
bool unjoined_has(const struct sl_snapshot *snapshot, const struct sl_unjoined *unjoined);

/*
 * Append the threads that ended after `start` and that nobody joined to candidates from malloc,
 * which may move.
 */
SL_CHECKED enum sl_status unjoined_add(const struct sl_leak_input *input, struct sl_arena *arena,
                                       struct leak_candidate **candidates, size_t *n_candidates,
                                       struct sl_error *err);

#endif
