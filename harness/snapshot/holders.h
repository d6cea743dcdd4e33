/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds the locks that threads wait for, and whom they join, all at one moment.
 *
 * Threads are looked at one after the other, so what each of them tells may never have been true
 * together: a deadlock that was none would be found.  Here all those words are read after all
 * looks, and then every thread that waits for them is asked whether it has not run since its look.
 */
#ifndef SL_SNAPSHOT_HOLDERS_H
#define SL_SNAPSHOT_HOLDERS_H

#include "harness/snapshot/attempt.h"

/*
 * After all threads have been explained: sets owner and ended_owner of their waits, to 0 where
 * that is not proven.
 */
void sl_holders_settle(struct sl_pass *pass, const struct sl_wait_context *context);

/* Has the thread waited since it was looked at, but for what the look itself did? */
bool sl_holders_has_waited(struct sl_pass *pass, const struct sl_attempt *attempt);

#endif
