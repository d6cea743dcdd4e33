/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_VERDICT_H
#define SL_REPORTS_PRINT_VERDICT_H

#include <stdio.h>

#include "reports/verdict.h"

/* strandline.gate/1: the verdict, the policy that it was reached by, and the leaks by name. */
SL_CHECKED enum sl_status
sl_verdict_print_json(const struct sl_run_result *result, const struct sl_verdict *verdict,
                      const struct sl_policy *policy, FILE *out, struct sl_error *err);

#endif
