/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/policy.h"

#include <errno.h>

#include "base/fail.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "cli/options/command.h"
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
    SL_AUTO_FREE char *data = NULL;
    struct sl_error local = {0};
    const char *name;
    size_t size = 0;

    if (!policy->rules.baseline_name)
        return SL_OK;
    enum sl_status status =
        sl_report_load(policy->rules.baseline_name, &name, &data, &size, &local);
    if (status)
        return sl_fail(err, local.sys_errno == ENOENT ? SL_ENOENT : status, "%s", local.text);
    status = sl_baseline_is(data, size) ? sl_baseline_parse(name, data, size, &policy->ratchet, err)
                                        : sl_report_parse(name, data, size, &policy->baseline, err);
    policy->rules.baseline = policy->baseline;
    policy->rules.ratchet = policy->ratchet;
    return status;
}

int policy_exit_of(const struct policy *policy, enum sl_status status, const char *report)
{
    if (status != SL_ENOENT)
        return command_exit_of_read(status);
    sl_utf8_printf(stderr,
                   "make it with: strandline gate %s --baseline %s --update-baseline "
                   "--allow-growth REASON\n",
                   report, policy->rules.baseline_name);
    return SL_EXIT_INCONCLUSIVE;
}

void policy_release(struct policy *policy)
{
    sl_run_result_free(policy->baseline);
    sl_baseline_free(policy->ratchet);
}
