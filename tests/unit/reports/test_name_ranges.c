/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "reports/snapshot/name_ranges.h"

#define NAMES_MAX 16

/* The ranges of some names, joined by "|". */
static void assert_ranges(const char *const *from, const char *expected)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const char *names[NAMES_MAX], *const *ranges = NULL;
    char text[256] = "";
    size_t n = 0, n_ranges = 0;

    for (; from[n]; n++)
        names[n] = from[n];
    cr_assert(sl_name_ranges(arena, names, n, &ranges, &n_ranges));
    for (size_t i = 0; i < n_ranges; i++) {
        (void) strcat(text, i ? "|" : "");
        (void) strcat(text, ranges[i]);
    }
    cr_assert_str_eq(text, expected);
}

#define ASSERT_RANGES(expected, ...)                                                               \
    assert_ranges((const char *const[]){__VA_ARGS__, NULL}, expected)

SL_TEST(name_ranges, numbers_are_ordered_by_value)
{
    ASSERT_RANGES("k0-w0 ... k4-w1023 (4)", "k4-w2", "k0-w0", "k4-w1023", "k4-w11");
}

SL_TEST(name_ranges, equal_names_are_counted)
{
    ASSERT_RANGES("pool (3)", "pool", "pool", "pool");
    ASSERT_RANGES("w1 (2)", "w1", "w1");
}

SL_TEST(name_ranges, one_name_stands_alone)
{
    ASSERT_RANGES("main", "main");
}

SL_TEST(name_ranges, names_that_differ_beyond_numbers_are_told_apart)
{
    ASSERT_RANGES("a|k1-a ... k2-a (2)|k1-b ... k2-b (2)|kk", "k2-b", "k1-a", "kk", "k1-b", "a",
                  "k2-a");
    ASSERT_RANGES("w|w1|w1x", "w1x", "w", "w1");
}

SL_TEST(name_ranges, numbers_longer_than_a_word_are_ordered_too)
{
    ASSERT_RANGES("t99999999999999999999 ... t100000000000000000000 (2)", "t100000000000000000000",
                  "t99999999999999999999");
    ASSERT_RANGES("t007 ... t8 (2)", "t8", "t007");
}

SL_TEST(name_ranges, control_characters_do_not_pass)
{
    ASSERT_RANGES("?[2J", "\x1b[2J");
}

SL_TEST(name_ranges, no_name_has_no_range)
{
    ASSERT_RANGES("", NULL);
}
