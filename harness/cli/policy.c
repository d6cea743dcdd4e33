/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/policy.h"

#include "base/parse.h"

enum sl_status policy_read_option(enum policy_option option, const char *argument,
                                  struct sl_policy *policy, struct sl_error *err)
{
    uint64_t number;
    enum sl_status s = SL_OK;

    switch (option) {
    case POLICY_MAX_LEAKS:
        s = sl_parse_number(argument, 0, UINT32_MAX, &number, err);
        if (!s)
            policy->max_leaks = (uint32_t) number;
        return s;
    case N_POLICY_OPTIONS:
        break;
    }
    return s;
}
