/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a result to an exit status.  Precedence 3, 1, 4: a run that could not
 * measure is never "failed", and never "ok".
 */
#ifndef SL_REPORT_VERDICT_H
#define SL_REPORT_VERDICT_H

#include <strandline/error.h>

#include "harness/model/result.h"

struct sl_policy {
    uint32_t max_leaks; /* per trial */
};

/**
 * Judge a result.
 *
 * Fails (1): more leaks than max_leaks in a trial, lost messages, order violations,
 * Close past its deadline.  Could not measure (3): a trial that failed or crashed, leaks
 * that could not be determined, a run without trials or in which no trial created a thread,
 * a control that did not find what it planted, an interrupted run.
 *
 * @param arena  owns the strings of ret_verdict
 */
SL_CHECKED enum sl_status
sl_verdict_evaluate(const struct sl_run_result *result, const struct sl_policy *policy,
                    struct sl_arena *arena, struct sl_verdict *ret_verdict, struct sl_error *err);

#endif
