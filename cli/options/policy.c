/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/policy.h"

#include "base/parse.h"
#include "reports/report.h"

static enum sl_status read_limit(const char *argument, struct sl_limit *limit, struct sl_error *err)
{
    uint64_t number = 0;
    enum sl_status status = sl_parse_number(argument, 0, UINT32_MAX, &number, err);

    if (!status)
        *limit = (struct sl_limit){.set = true, .most = number};
    return status;
}

enum sl_status policy_read_option(enum policy_option option, const char *argument,
                                  struct policy *policy, struct sl_error *err)
{
    uint64_t number;
    enum sl_status status = SL_OK;

    switch (option) {
    case POLICY_MAX_LEAKS:
        status = sl_parse_number(argument, 0, UINT32_MAX, &number, err);
        if (!status)
            policy->rules.max_leaks = (uint32_t) number;
        return status;
    case POLICY_BASELINE:
        policy->rules.baseline_name = argument;
        return SL_OK;
    case POLICY_MAX_DESCRIPTORS:
        return read_limit(argument, &policy->rules.descriptors, err);
    case POLICY_MAX_PROCESSES:
        return read_limit(argument, &policy->rules.processes, err);
    case N_POLICY_OPTIONS:
        break;
    }
    return status;
}

enum sl_status policy_complete(struct policy *policy, struct sl_error *err)
{
    if (!policy->rules.baseline_name)
        return SL_OK;
    enum sl_status status = sl_report_read(policy->rules.baseline_name, &policy->baseline, err);
    if (!status)
        policy->rules.baseline = policy->baseline;
    return status;
}

void policy_release(struct policy *policy)
{
    sl_run_result_free(policy->baseline);
}
