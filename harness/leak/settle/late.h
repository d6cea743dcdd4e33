/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that ended while they were waited for. */
#ifndef SL_LEAK_LATE_H
#define SL_LEAK_LATE_H

#include <strandline/error.h>

#include "harness/model/finding.h"

/*
 * Fill the report's late threads, and their groups with histograms of when they ended.
 *
 * @param closed  the look right after the work, which may have their stacks; or NULL
 */
SL_CHECKED enum sl_status late_report(const struct sl_late_thread *late_threads, size_t n,
                                      const struct sl_snapshot *closed, struct sl_arena *arena,
                                      struct sl_leak_report *report, struct sl_error *err);

#endif
