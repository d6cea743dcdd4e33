/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"
#include "reports/format.h"

SL_TEST(format, times_have_three_digits_and_a_unit)
{
    static const struct {
        uint64_t time_ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {12345, "12.3 us"},
        {999499, "999 us"},
        {999500, "1.00 ms"},
        {9995000, "10.0 ms"},
        {99950000, "100 ms"},
        {38000000000, "38.0 s"},
        {3600000000000, "3600 s"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        char text[SL_FORMAT_MAX];
        sl_format_time(cases[i].time_ns, text);
        cr_assert_str_eq(text, cases[i].text);
    }
}

SL_TEST(format, sizes_are_powers_of_1024)
{
    char text[SL_FORMAT_MAX];
    sl_format_bytes(1023, text);
    cr_assert_str_eq(text, "1023 B");
    sl_format_bytes(1024, text);
    cr_assert_str_eq(text, "1.00 KiB");
    sl_format_bytes(50541363, text);
    cr_assert_str_eq(text, "48.2 MiB");
}

SL_TEST(format, the_largest_numbers_fit)
{
    char text[SL_FORMAT_MAX];
    sl_format_time(UINT64_MAX, text);
    cr_assert_str_eq(text, "18446744074 s");
    sl_format_bytes(UINT64_MAX, text);
    cr_assert_str_eq(text, "16777216 TiB");
    sl_format_rate(1.7e308, text);
    cr_assert(strlen(text) < SL_FORMAT_MAX);
}

SL_TEST(format, only_well_formed_utf8_has_a_length)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 0},
        {"a", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\x80", 0},             /* continues nothing */
        {"\xc0\xaf", 0},         /* overlong */
        {"\xe0\x80\xaf", 0},     /* overlong */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0}, /* past U+10FFFF */
        {"\xe2\x82", 0},         /* cut off */
        {"\xff", 0},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++)
        cr_assert_eq(sl_utf8_length(cases[i].text), cases[i].length, "case %zu", i);
}

SL_TEST(format, what_is_invisible_or_turns_a_text_around_is_not_shown)
{
    static const char *const hidden[] = {
        "\xc2\x80", "\xc2\x9b", "\u00ad", "\u061c", "\u180e", "\u200b",     "\u200e",     "\u200f",
        "\u2028",   "\u2029",   "\u202a", "\u202e", "\u2060", "\u2066",     "\u2069",     "\u206f",
        "\ufeff",   "\ufff9",   "\ufffb", "\x1b",   "\x7f",   "\U000e0001", "\U000e0fff",
    };
    static const char *const shown[] = {" ",      "~",      "\u00a0", "\u00e9",
                                        "\u200a", "\u2010", "\u2027", "\u202f",
                                        "\u205f", "\u2070", "\ufffd", "\U0001f600"};
    uint32_t code;
    bool printable;

    for (size_t i = 0; i < SL_COUNT_OF(hidden); i++) {
        cr_assert_eq(sl_utf8_next(hidden[i], &code, &printable), strlen(hidden[i]));
        cr_assert(!printable, "U+%04x", code);
    }
    for (size_t i = 0; i < SL_COUNT_OF(shown); i++) {
        cr_assert_eq(sl_utf8_next(shown[i], &code, &printable), strlen(shown[i]));
        cr_assert(printable, "U+%04x", code);
    }
    cr_assert_eq(code, 0x1f600);
    cr_assert_eq(sl_utf8_next("", &code, &printable), 0);
    cr_assert_eq(sl_utf8_next("\xff", &code, &printable), 1);
    cr_assert(!printable);
}

SL_TEST(format, a_line_made_of_hostile_parts_is_one_line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    sl_utf8_printf(out, "open '%s'\n", "a\nb\r\xe2\x80\xae.c");
    sl_utf8_printf(out, "%s", "\n");
    (void) fclose(out);
    cr_assert_str_eq(text, "open 'a?b????.c'\n?");
    free(text);
}

SL_TEST(format, printable_text_commands_no_terminal)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    cr_assert_str_eq(sl_format_printable(arena, "a\x1b[31m\tb\x7f\xc2\x9b\xff \xc3\xa9"),
                     "a?[31m?b???? \xc3\xa9");
    cr_assert_null(sl_format_printable(arena, NULL));
}
