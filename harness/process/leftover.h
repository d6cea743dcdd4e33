/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject holds besides threads: descriptors, child processes, POSIX timers.  What was not
 * there before the bus existed and is there after Close stayed behind.
 */
#ifndef SL_PROCESS_LEFTOVER_H
#define SL_PROCESS_LEFTOVER_H

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/model/result.h"
#include "harness/process/process.h"

struct sl_holdings; /* of a subject at one moment */

/* A kind that can not be read is kept as missing; fails when memory is short. */
SL_CHECKED enum sl_status sl_holdings_read(const struct sl_process *process,
                                           struct sl_holdings **ret_holdings, struct sl_error *err);
void sl_holdings_free(struct sl_holdings *holdings);
SL_DEFINE_AUTO(sl_holdings, sl_holdings_free);

/* What `after` has and `before` had not; the texts are in the arena. */
SL_CHECKED enum sl_status
sl_holdings_compare(const struct sl_holdings *before, const struct sl_holdings *after,
                    struct sl_arena *arena, struct sl_left_behind *ret_left, struct sl_error *err);

/* Add the threads that were made between the two looks. */
SL_CHECKED enum sl_status
sl_left_threads(const struct sl_snapshot *settled, const struct sl_snapshot *torn_down,
                struct sl_arena *arena, struct sl_left_behind *left, struct sl_error *err);

/*
 * Add the processes that were ended with the subject and not told of before: made after Close, or
 * by a subject that did not get that far.
 *
 * closed: compared as `after` above, or NULL
 */
SL_CHECKED enum sl_status sl_holdings_ended(const struct sl_holdings *closed,
                                            const struct sl_ended *ended, struct sl_arena *arena,
                                            struct sl_left_behind *left, struct sl_error *err);

#endif
