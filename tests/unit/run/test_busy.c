/* SPDX-License-Identifier: Apache-2.0 */
/* What others had of the machine, from counters. */
#include "sl_test.h"

#include "base/clock.h"
#include "harness/process/busy.h"

static struct sl_busy at(uint64_t second, uint64_t used, uint64_t own, uint64_t stolen)
{
    return (struct sl_busy){.at_ns = second * SL_NS_PER_S,
                            .used_ns = used * SL_NS_PER_S,
                            .own_ns = own * SL_NS_PER_S,
                            .stolen_ns = stolen * SL_NS_PER_S};
}

SL_TEST(busy, what_is_not_our_own_is_of_others)
{
    struct sl_busy before = at(100, 1000, 10, 5), after = at(110, 1015, 15, 6);
    cr_assert_float_eq(sl_busy_others(&before, &after).value, 1.0, 1e-9);
    cr_assert_float_eq(sl_busy_stolen(&before, &after).value, 0.1, 1e-9);
}

SL_TEST(busy, own_time_that_the_machine_has_not_counted_yet_makes_others_no_less_than_nothing)
{
    struct sl_busy before = at(100, 1000, 10, 5), after = at(110, 1001, 15, 4);
    cr_assert_float_eq(sl_busy_others(&before, &after).value, 0, 1e-9);
    cr_assert_float_eq(sl_busy_stolen(&before, &after).value, 0, 1e-9);
}

SL_TEST(busy, a_moment_or_a_look_that_failed_is_missing_and_not_zero)
{
    struct sl_busy before = at(100, 1000, 10, 5), after = before;
    cr_assert_str_eq(sl_busy_others(&before, &after).missing, "the run was too short to tell");
    before.missing = "no /proc";
    after = at(110, 1001, 15, 6);
    cr_assert_str_eq(sl_busy_others(&before, &after).missing, "no /proc");
    cr_assert_str_eq(sl_busy_stolen(&before, &after).missing, "no /proc");
}

SL_TEST(busy, this_machine_tells)
{
    struct sl_busy now = sl_busy_now();
    if (now.missing)
        cr_skip_test("%s", now.missing);
    cr_assert_gt(now.used_ns, 0);
    cr_assert_leq(now.own_ns, now.at_ns, "one thread's time is no longer than all time");
}
