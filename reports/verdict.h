/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a result to an exit status.  Precedence 3, 1, 4: a run that could not
 * measure is never "failed", and never "ok".
 */
#ifndef SL_REPORTS_VERDICT_H
#define SL_REPORTS_VERDICT_H

#include <stdio.h>

#include <strandline/error.h>

#include "harness/model/result.h"

/* Of something that is only shown when nobody limits it. */
struct sl_limit {
    bool set;
    uint64_t most; /* per trial */
};

struct sl_policy {
    uint32_t max_leaks;                     /* per trial */
    struct sl_limit descriptors, processes; /* that stay after Close */
    /* Leaks with a fingerprint of one of its leaks are known, in whatever cell and number: they
       do not count.  NULL: none is known. */
    const struct sl_run_result *baseline;
    const char *baseline_name; /* what texts call it */
};

/**
 * Judge a result.
 *
 * Fails (1): more leaks than max_leaks in a trial, more descriptors or processes left than the
 * policy allows, where it does limit them, lost messages, order violations,
 * Close past its deadline or with an error.  Could not measure (3): a trial that failed or
 * crashed, or whose load did not end and lost nothing that is known; leaks, losses or order that
 * could not be determined; a cell without trials; no leaks in a trial that created no thread or
 * did not call Close; a trial in which nothing failed because no message was handled; a control
 * that did not run or did not find what it planted; an interrupted run.  What a trial could not
 * measure because Close hung does not make it a 3.  Inconclusive (4): a trial in which nothing
 * failed, but less than half of the messages that were tried were accepted, without a fault that
 * was planted.
 *
 * The lines of ret_verdict say first what could not be measured, then what failed, then what is
 * inconclusive, each in the order of the cells.
 *
 * @param arena  owns the strings of ret_verdict
 */
SL_CHECKED enum sl_status
sl_verdict_evaluate(const struct sl_run_result *result, const struct sl_policy *policy,
                    struct sl_arena *arena, struct sl_verdict *ret_verdict, struct sl_error *err);

#endif
