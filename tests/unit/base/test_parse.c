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
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 1;
        sl_assert_ok(sl_parse_duration(cases[i].text, &value, &err), &err);
        cr_assert_eq(value, cases[i].expected, "%s", cases[i].text);
    }
}

SL_TEST(parse, durations_that_are_not_exact_or_not_units_are_refused)
{
    static const char *const cases[] = {"",      "1",   "-1s",  "1 s",
                                        "s",     ".5s", "1.s",  "1sx",
                                        "1.5ns", "0.0", "00.5", "99999999999999999999s"};
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
    sl_assert_fails(sl_parse_size("64KB", &value, &err), SL_EINVAL, &err, "not a size");
}

SL_TEST(parse, numbers_outside_the_range_are_refused)
{
    uint64_t value = 0;
    sl_assert_ok(sl_parse_number("7", 1, 7, &value, &err), &err);
    cr_assert_eq(value, 7);
    sl_assert_fails(sl_parse_number("8", 1, 7, &value, &err), SL_EINVAL, &err, "from 1 to 7");
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
