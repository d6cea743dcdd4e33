/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leak analysis: what stayed after Close, grouped, with its cause.
 *
 * Pure functions of snapshots: nothing here looks at a process, prints or waits.
 */
#ifndef SL_LEAK_H
#define SL_LEAK_H

#include <strandline/error.h>

#include "harness/leak/input.h"

/**
 * Find, group and explain the threads that stayed.
 *
 * @param arena       owns every string and array of the result; frames are copied
 *                    into it, so that the snapshots may be freed
 * @param ret_report  set on SL_OK only
 * @return SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_leak_analyse(const struct sl_leak_input *input, struct sl_arena *arena,
                                          struct sl_leak_report *ret_report, struct sl_error *err);

/*
 * All threads of one snapshot, grouped and described, with no verdict (counted false), largest
 * group first.  The cause is what they wait for, where that tells it.  For hung subjects.
 *
 * @param earlier  another look, which can prove that a circle of waits is one; or NULL
 */
SL_CHECKED enum sl_status
sl_leak_describe(const struct sl_snapshot *snapshot, const struct sl_snapshot *earlier,
                 struct sl_arena *arena, const struct sl_finding **ret_findings,
                 size_t *ret_n_findings, struct sl_error *err);

#endif
