/* SPDX-License-Identifier: Apache-2.0 */
/* Threads in groups: a crew takes one group after the other, each member for itself. */
#ifndef SL_SNAPSHOT_GROUP_H
#define SL_SNAPSHOT_GROUP_H

#include "harness/snapshot/attempt.h"

/*
 * Look at all attempts without stopping any, and unwind what was seen.  Afterwards, and after
 * sl_groups_recheck, `consistent` says whose look is one moment.
 */
SL_CHECKED enum sl_status sl_groups_read(struct sl_pass *pass, struct sl_error *err);

/* Of a source that sees all in one go: in another, who did not run meanwhile. */
SL_CHECKED enum sl_status sl_groups_recheck(struct sl_pass *pass, struct sl_error *err);

#endif
