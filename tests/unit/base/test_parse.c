/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdint.h>
#include <string.h>

#include "base/parse.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

SL_TEST(parse, durations_with_units_are_read_exactly)
{
    static const struct {
        const char *text;
        uint64_t expected;
    } cases[] = {
        {"0", 0},
        {"10ns", 10},
        {"50us", 50000},
        {"200ms", 200000000},
        {"1.5s", 1500000000},
        {"0.1s", 100000000},
        {"2m", 120000000000},
        {"1h", 3600000000000},
        {"0.000000001s", 1},
        {"1.000000009s", 1000000009},
        {"18446744073709551615ns", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 1;
        sl_assert_ok(sl_parse_duration(cases[i].text, &value, &err), &err);
        cr_assert_eq(value, cases[i].expected, "%s", cases[i].text);
    }
}

SL_TEST(parse, durations_that_are_not_exact_or_not_units_are_refused)
{
    static const char *const cases[] = {"",
                                        "1",
                                        "-1s",
                                        "1 s",
                                        "s",
                                        ".5s",
                                        "1.s",
                                        "1sx",
                                        "1.5ns",
                                        "0.0",
                                        "00.5",
                                        "99999999999999999999s",
                                        "0.",
                                        "1.0000000000s",
                                        "0.1234567890s",
                                        "1.0",
                                        "18446744073709551616ns",
                                        "18446744074s",
                                        "5124096h",
                                        "18446744073.709551616s"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 42;
        sl_assert_fails(sl_parse_duration(cases[i], &value, &err), SL_EINVAL, &err,
                        "not a duration");
        cr_assert_eq(value, 42, "output is untouched on failure");
    }
}

SL_TEST(parse, sizes_are_powers_of_1024_only)
{
    uint64_t value = 0;
    sl_assert_ok(sl_parse_size("64KiB", &value, &err), &err);
    cr_assert_eq(value, 65536);
    sl_assert_ok(sl_parse_size("256B", &value, &err), &err);
    cr_assert_eq(value, 256);
    sl_assert_ok(sl_parse_size("3MiB", &value, &err), &err);
    cr_assert_eq(value, 3 << 20);
    sl_assert_ok(sl_parse_size("0.5GiB", &value, &err), &err);
    cr_assert_eq(value, 1 << 29);
    sl_assert_fails(sl_parse_size("64KB", &value, &err), SL_EINVAL, &err, "not a size");
}

SL_TEST(parse, numbers_outside_the_range_are_refused)
{
    uint64_t value = 0;
    sl_assert_ok(sl_parse_number("7", 1, 7, &value, &err), &err);
    cr_assert_eq(value, 7);
    sl_assert_ok(sl_parse_number("1", 1, 7, &value, &err), &err);
    cr_assert_eq(value, 1);
    sl_assert_fails(sl_parse_number("0", 1, 7, &value, &err), SL_EINVAL, &err, "from 1 to 7");
    sl_assert_fails(sl_parse_number("8", 1, 7, &value, &err), SL_EINVAL, &err, "from 1 to 7");
}

SL_TEST(parse, what_is_no_number_at_all_is_refused)
{
    static const char *const cases[] = {"", "x", "7x", "-1", " 7", "7 ", "18446744073709551616"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 42;
        sl_assert_fails(sl_parse_number(cases[i], 0, UINT64_MAX, &value, &err), SL_EINVAL, &err,
                        "is not a number from 0 to 18446744073709551615");
        cr_assert_eq(value, 42);
    }
}

SL_TEST(parse, a_duration_is_formatted_in_the_largest_unit_up_to_seconds_without_zeros_behind)
{
    static const struct {
        uint64_t ns;
        const char *expected;
    } cases[] = {
        {0, "0ns"},
        {999, "999ns"},
        {1000, "1us"},
        {1500, "1.5us"},
        {1000000, "1ms"},
        {1000001, "1.000001ms"},
        {1250000000, "1.25s"},
        {1020000000, "1.02s"},
        {90000000000, "90s"},
        {7200000000000, "7200s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        sl_format_duration(cases[i].ns, text, sizeof text);
        cr_assert_str_eq(text, cases[i].expected);
    }
}

SL_TEST(parse, a_formatted_duration_reads_back_as_itself)
{
    static const uint64_t cases[] = {0, 1, 999, 1500, 200000000, 1500000000, 90000000000, 1000001};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        uint64_t value = 1;
        sl_format_duration(cases[i], text, sizeof text);
        sl_assert_ok(sl_parse_duration(text, &value, &err), &err);
        cr_assert_eq(value, cases[i], "%s", text);
    }
}
