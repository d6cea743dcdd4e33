/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that ended and that nobody joined. */
#ifndef SL_LEAK_UNJOINED_H
#define SL_LEAK_UNJOINED_H

#include "harness/leak/candidate.h"

/* Is what is left of a thread that ended still there?  false, too, where that is not known. */
bool sl_leak_has_unjoined(const struct sl_snapshot *snapshot, const struct sl_unjoined *unjoined);

/*
 * Append the threads that ended after `start` and that nobody joined to candidates from malloc,
 * which may move.
 */
SL_CHECKED enum sl_status sl_leak_add_unjoined(const struct sl_leak_input *input,
                                               struct sl_arena *arena,
                                               struct sl_leak_candidate **candidates,
                                               size_t *n_candidates, struct sl_error *err);

#endif
