/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that contradict themselves: every number of one is held against every other. */
#ifndef SL_REPORTS_CONTRADICTION_H
#define SL_REPORTS_CONTRADICTION_H

#include <strandline/error.h>

#include "harness/model/result.h"

/**
 * Find what cannot be true together.  Numbers that are missing contradict nothing, so that a run
 * which was interrupted, or a trial that crashed, is as good as any.
 *
 * @return SL_EPARSE with the place and the two numbers
 */
SL_CHECKED enum sl_status sl_report_find_contradiction(const char *name,
                                                       const struct sl_run_result *result,
                                                       struct sl_error *err);

#endif
