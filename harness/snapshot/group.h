/* SPDX-License-Identifier: Apache-2.0 */
/* Threads in groups: a crew takes one group after the other, each member for itself. */
#ifndef SL_SNAPSHOT_GROUP_H
#define SL_SNAPSHOT_GROUP_H

#include "harness/snapshot/attempt.h"

/*
 * Look at all attempts without stopping any, and unwind what was seen.  Afterwards
 * `consistent` says whose look is one moment.
 */
SL_CHECKED enum sl_status sl_groups_read(struct sl_pass *pass, struct sl_error *err);

#endif
