/* SPDX-License-Identifier: Apache-2.0 */
/* What a run is allowed to do: options that `strandline run` and `strandline gate` share. */
#ifndef SL_CLI_OPTIONS_POLICY_H
#define SL_CLI_OPTIONS_POLICY_H

#include "reports/verdict.h"

/* Lines of a command's option table from index `first` on, which is of POLICY_MAX_LEAKS. */
enum policy_option {
    POLICY_MAX_LEAKS,
    POLICY_MAX_DESCRIPTORS,
    POLICY_MAX_PROCESSES,
    POLICY_BASELINE,
    N_POLICY_OPTIONS
};
/* clang-format off */
#define POLICY_OPTIONS(first)                                                                      \
    [(first) + POLICY_MAX_LEAKS] = {"max-leaks", "N", "leaked threads allowed in each trial (0)",  \
                                    0},                                                            \
    [(first) + POLICY_MAX_DESCRIPTORS] = {"max-descriptors", "N", "descriptors that may stay "     \
                                          "after Close (any number)", 0},                          \
    [(first) + POLICY_MAX_PROCESSES] = {"max-processes", "N", "child processes that may stay "     \
                                        "after Close (any number)", 0},                            \
    [(first) + POLICY_BASELINE] = {"baseline", "FILE", "leaks that this baseline, or report, has, "\
                                   "too, are allowed", 0, SL_ARGUMENT_FILE}
/* clang-format on */

struct policy {
    struct sl_policy rules;         /* complete after policy_complete() */
    struct sl_run_result *baseline; /* owned; or NULL, as is: */
    struct sl_baseline *ratchet;
};

/* @return SL_EINVAL or SL_EPARSE not a fit argument; *policy is untouched then */
SL_CHECKED enum sl_status policy_read_option(enum policy_option option, const char *argument,
                                             struct policy *policy, struct sl_error *err);

/* Read the baseline, if one is named.  @return as sl_report_read(); SL_ENOENT there is none */
SL_CHECKED enum sl_status policy_complete(struct policy *policy, struct sl_error *err);

/* The status to exit with when that failed; how a baseline is made is said. */
int policy_exit_of(const struct policy *policy, enum sl_status status, const char *report);

void policy_release(struct policy *policy);

#endif
