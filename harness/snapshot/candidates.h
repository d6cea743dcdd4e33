/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have a lock that keeps no owner: those of Rust and of GLib, and a read-write lock that
 * readers have.
 *
 * Who will give a lock back has its address somewhere, mostly on its stack or in a register that
 * functions preserve.  So may one who gave it back, and who finds it by another address is missed:
 * these are candidates, and never owners.
 */
#ifndef SL_SNAPSHOT_CANDIDATES_H
#define SL_SNAPSHOT_CANDIDATES_H

#include "harness/snapshot/attempt.h"

/* After the holders of other locks were settled: sets `lock` of waits.  Without memory none is. */
void sl_candidates_find(struct sl_pass *pass, struct sl_reader *reader);

#endif
