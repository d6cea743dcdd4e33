/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the threads of a process.
 *
 * Threads go through in groups, on every CPU one (group.c).  For each thread of a
 * group the run counter, then the registers are read; then the stacks are copied, many
 * with one call, and unwound from the copies; then the counters are read again.  Where
 * they are equal the thread did not run in between, and what was read is one moment of
 * it.  The others are done again one by one (settle.c), which makes the window as short
 * as it can be.  Only then come names, files and lines, which take longer than all of
 * that.
 */
#ifndef SL_SNAPSHOT_PASS_H
#define SL_SNAPSHOT_PASS_H

#include "harness/snapshot/attempt.h"

/* All threads of pass->tids into pass->threads, and their number into the snapshot. */
SL_CHECKED enum sl_status sl_pass_run(struct sl_pass *pass, struct sl_error *err);

#endif
