/* SPDX-License-Identifier: Apache-2.0 */
/* One of the looks that `strandline diff` compares. */
#ifndef SL_CLI_DIFF_LOOK_H
#define SL_CLI_DIFF_LOOK_H

#include <strandline/error.h>

#include "cli/diff/options.h"
#include "reports/snapshot/diff.h"

/* A process, by its id? */
bool diff_look_is_process(const char *look);

/**
 * Look at a process now, or read a file: a listing of `strandline snapshot --json`, or a dump.
 *
 * @param arena     owns the groups
 * @param ret_side  set on SL_OK only
 */
SL_CHECKED enum sl_status diff_look(const struct diff_request *request, const char *look,
                                    struct sl_arena *arena, struct sl_diff_side *ret_side,
                                    struct sl_error *err);

#endif
