/* SPDX-License-Identifier: Apache-2.0 */
/* Threads one by one: those that ran while their group was read, or need to be stopped. */
#ifndef SL_SNAPSHOT_SETTLE_H
#define SL_SNAPSHOT_SETTLE_H

#include "harness/snapshot/attempt.h"

/*
 * What a first look could not settle: threads that ran, or whose unwind needs a register.  With a
 * source that stops threads, all of them.
 */
SL_CHECKED enum sl_status sl_attempts_settle(struct sl_pass *pass, struct sl_error *err);

#endif
