/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/clock.h"

SL_TEST(clock, a_deadline_that_has_passed_leaves_nothing)
{
    cr_assert_eq(sl_clock_left_ns(0), 0);
    cr_assert_eq(sl_clock_left_ns(sl_clock_now_ns()), 0);
}

SL_TEST(clock, what_is_left_until_a_deadline_and_what_has_passed_make_all_of_it)
{
    uint64_t before = sl_clock_now_ns();
    uint64_t left = sl_clock_left_ns(before + SL_NS_PER_S * 3600);
    uint64_t after = sl_clock_now_ns();

    cr_assert_leq(left, SL_NS_PER_S * 3600);
    cr_assert_geq(left + (after - before), SL_NS_PER_S * 3600);
}

SL_TEST(clock, a_sleep_is_never_shorter_than_it_was_to_be)
{
    uint64_t before = sl_clock_now_ns();

    sl_clock_sleep_ns(2 * SL_NS_PER_MS);
    cr_assert_geq(sl_clock_now_ns() - before, 2 * SL_NS_PER_MS);
}

SL_TEST(clock, a_time_survives_being_seconds_and_nanoseconds)
{
    static const uint64_t times[] = {0, 999999999, 1000000000, 1700000000123456789};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct timespec time = sl_clock_to_timespec(times[i]);
        cr_assert_lt(time.tv_nsec, 1000000000);
        cr_assert_eq(sl_clock_of_timespec(&time), times[i]);
    }
}
