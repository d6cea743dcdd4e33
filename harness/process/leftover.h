/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject holds besides threads: descriptors, child processes, POSIX timers.  What was not
 * there before the bus existed and is there after Close stayed behind.
 */
#ifndef SL_PROCESS_LEFTOVER_H
#define SL_PROCESS_LEFTOVER_H

#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/model/result.h"

struct sl_holdings; /* of a subject at one moment */

/* A kind that can not be read is kept as missing; fails when memory is short. */
SL_CHECKED enum sl_status
sl_holdings_read(pid_t pid, struct sl_holdings **ret_holdings, struct sl_error *err);
void sl_holdings_free(struct sl_holdings *holdings);
SL_DEFINE_AUTO(sl_holdings, sl_holdings_free);

/* What `after` has and `before` had not; the texts are in the arena. */
SL_CHECKED enum sl_status
sl_holdings_compare(const struct sl_holdings *before, const struct sl_holdings *after,
                    struct sl_arena *arena, struct sl_left_behind *ret_left, struct sl_error *err);

/* Make orphans of subjects children of the calling process, so that they can be told and ended. */
void sl_orphans_adopt(void);

/*
 * End every child of the calling process that came after `before`, once the subject is gone: its
 * orphans, and in turn theirs.
 */
void sl_orphans_end(const struct sl_holdings *before);

#endif
