/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goroutines of a running Go program, from outside: nothing is stopped, nothing runs for it, and
 * the program has no part in it.
 *
 * The runtime keeps a list of all goroutines, and of each that does not run where its stack ends
 * and at which instruction it goes on.  What was read is kept only where the goroutine is found
 * afterwards as it was before, and has not been on a thread in between.
 */
#ifndef SL_GOROUTINE_LIVE_H
#define SL_GOROUTINE_LIVE_H

#include <strandline/error.h>
#include <strandline/snapshot.h>

#include "harness/model/snapshot.h"

/**
 * Look at the goroutines of a process: those that Go itself would list.
 *
 * @param opts  max_... and no_symbols count; or NULL for the defaults
 * @param ret_snapshot  set on SL_OK only, of kind SL_SNAPSHOT_GOROUTINES; the caller owns it
 *
 * @return SL_OK
 *         SL_ENOENT   the process runs no Go program
 *         SL_ENOTSUP  it does, but one that cannot be read: a release that is not known, ...
 *         SL_EPERM, SL_EGONE, SL_ETIMEDOUT, SL_ELIMIT, SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_goroutines_take(pid_t pid, const struct sl_snapshot_opts *opts,
                                             struct sl_snapshot **ret_snapshot,
                                             struct sl_error *err);

#endif
