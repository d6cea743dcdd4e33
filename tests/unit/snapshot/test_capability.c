/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <linux/capability.h>

#include "base/macros.h"
#include "harness/snapshot/capability.h"

SL_TEST(capability, capabilities_and_seccomp_are_read_from_status)
{
    static const char text[] = "Name:\tx\nCapPrm:\t00000000000000ff\n"
                               "CapEff:\t0000004000080000\nCapBnd:\t000001ffffffffff\n"
                               "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";
    struct sl_permissions permissions = {0};

    cr_assert(sl_permissions_parse_status(text, &permissions));
    cr_assert(sl_permissions_have(&permissions, CAP_SYS_PTRACE));
    cr_assert(sl_permissions_have(&permissions, CAP_PERFMON));
    cr_assert_not(sl_permissions_have(&permissions, CAP_SYS_ADMIN));
    cr_assert_not(sl_permissions_have(&permissions, CAP_BPF));
    cr_assert_eq(permissions.seccomp, 2);
    cr_assert(permissions.no_new_privileges);
}

SL_TEST(capability, a_status_without_a_line_or_with_a_strange_one_is_refused)
{
    static const char *const texts[] = {
        "",
        "Name:\tx\nSeccomp:\t0\nNoNewPrivs:\t0\n",
        "Name:\tx\nCapEff:\t0\nSeccomp:\t9\nNoNewPrivs:\t0\n",
        "Name:\tx\nCapEff:\tzz\nSeccomp:\t0\nNoNewPrivs:\t0\n",
        "Name:\tx\nCapEff:\t-1\nSeccomp:\t0\nNoNewPrivs:\t0\n",
        "Name:\tx\nCapEff:\t11111111111111111\nSeccomp:\t0\nNoNewPrivs:\t0\n",
    };
    for (size_t i = 0; i < SL_COUNT_OF(texts); i++) {
        struct sl_permissions permissions = {.seccomp = 77};
        cr_assert_not(sl_permissions_parse_status(texts[i], &permissions), "case %zu", i);
        cr_assert_eq(permissions.seccomp, 77);
    }
}

SL_TEST(capability, the_scope_of_yama_is_a_digit)
{
    int scope = 77;

    cr_assert(sl_permissions_parse_scope("0\n", &scope));
    cr_assert_eq(scope, 0);
    cr_assert(sl_permissions_parse_scope("3\n", &scope));
    cr_assert_eq(scope, 3);
    cr_assert_not(sl_permissions_parse_scope("4\n", &scope));
    cr_assert_not(sl_permissions_parse_scope("10\n", &scope));
    cr_assert_not(sl_permissions_parse_scope("", &scope));
    cr_assert_eq(scope, 3);
}

SL_TEST(capability, the_calling_process_has_what_the_kernel_says)
{
    struct sl_permissions permissions;

    sl_permissions_read(&permissions);
    cr_assert(permissions.status_known);
    cr_assert(permissions.ptrace_scope >= SL_NO_YAMA && permissions.ptrace_scope <= 3);
}
