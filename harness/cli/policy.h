/* SPDX-License-Identifier: Apache-2.0 */
/* What a run is allowed to do: options that `strandline run` and `strandline gate` share. */
#ifndef SL_CLI_POLICY_H
#define SL_CLI_POLICY_H

#include "harness/cli/cli.h"
#include "reports/verdict.h"

/* Lines of a command's option table from index `first` on, which is of POLICY_MAX_LEAKS. */
enum policy_option { POLICY_MAX_LEAKS, N_POLICY_OPTIONS };
/* clang-format off */
#define POLICY_OPTIONS(first)                                                                      \
    [(first) + POLICY_MAX_LEAKS] = {"max-leaks", "N", "leaked threads allowed in each trial (0)", 0}
/* clang-format on */

/* @return SL_EINVAL or SL_EPARSE not a fit argument; *policy is untouched then */
SL_CHECKED enum sl_status policy_read_option(enum policy_option option, const char *argument,
                                             struct sl_policy *policy, struct sl_error *err);

#endif
