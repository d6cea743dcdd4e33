/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/format.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

/* Divide by step until the number fits its unit, then three significant digits. */
static void format_scaled(double number, double step, const char *const *units, size_t n_units,
                          char ret_text[SL_FORMAT_MAX])
{
    size_t unit = 0;
    /* 999.5 would be printed as 1000. */
    while (unit + 1 < n_units && number >= (step == 1000 ? 999.5 : step)) {
        number /= step;
        unit++;
    }
    int decimals = unit == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
    (void) snprintf(ret_text, SL_FORMAT_MAX, "%.*f %s", decimals, number, units[unit]);
}

void sl_format_time(uint64_t time_ns, char ret_text[SL_FORMAT_MAX])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    format_scaled((double) time_ns, 1000, units, SL_COUNT_OF(units), ret_text);
}

void sl_format_bytes(uint64_t bytes, char ret_text[SL_FORMAT_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    format_scaled((double) bytes, 1024, units, SL_COUNT_OF(units), ret_text);
}

void sl_format_rate(double per_second, char ret_text[SL_FORMAT_MAX])
{
    static const char *const units[] = {"/s", "k/s", "M/s", "G/s"};
    format_scaled(per_second, 1000, units, SL_COUNT_OF(units), ret_text);
}

size_t sl_utf8_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *) text;
    /* Second bytes that the first allows: no overlong forms, no surrogates, nothing past U+10FFFF.
     */
    unsigned char low = 0x80, high = 0xbf;
    size_t length;

    if (bytes[0] < 0x80)
        return bytes[0] != '\0';
    if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf)
        length = 2;
    else if (bytes[0] >= 0xe0 && bytes[0] <= 0xef)
        length = 3;
    else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (bytes[0] == 0xe0)
        low = 0xa0;
    else if (bytes[0] == 0xed)
        high = 0x9f;
    else if (bytes[0] == 0xf0)
        low = 0x90;
    else if (bytes[0] == 0xf4)
        high = 0x8f;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t sl_utf8_columns(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char) *text & 0xc0) != 0x80;
    return columns;
}

/* C0, DEL and the C1 controls, which are two bytes in UTF-8. */
static bool is_control(const char *text)
{
    unsigned char first = (unsigned char) text[0];
    return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char) text[1] < 0xa0);
}

char *sl_format_printable(struct sl_arena *arena, const char *text)
{
    char *copy = sl_arena_strdup(arena, text);
    for (char *at = copy; at && *at;) {
        size_t length = sl_utf8_length(at);
        if (length == 0 || is_control(at)) {
            length = SL_MAX(length, 1);
            memset(at, '?', length);
        }
        at += length;
    }
    return copy;
}

size_t sl_print_printable(const char *text, FILE *out)
{
    size_t columns = 0;
    while (*text) {
        size_t length = sl_utf8_length(text);
        bool printable = length && !is_control(text);
        length = SL_MAX(length, 1);
        /* As many question marks as bytes. */
        for (size_t i = 0; i < length && out; i++)
            (void) putc_unlocked(printable ? text[i] : '?', out);
        columns += printable ? 1 : length;
        text += length;
    }
    return columns;
}
