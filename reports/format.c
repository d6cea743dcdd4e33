/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/format.h"

#include <stdio.h>

#include "base/macros.h"
#include "base/utf8.h"

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

size_t sl_utf8_columns(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char) *text & 0xc0) != 0x80;
    return columns;
}

char *sl_format_printable(struct sl_arena *arena, const char *text)
{
    char *copy = sl_arena_strdup(arena, text);
    if (copy)
        sl_utf8_clean(copy);
    return copy;
}
