/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit time_units[] = {
    {"ns", 1},          {"us", SL_NS_PER_US},    {"ms", SL_NS_PER_MS},
    {"s", SL_NS_PER_S}, {"m", 60 * SL_NS_PER_S}, {"h", 3600 * SL_NS_PER_S},
};

static const struct unit size_units[] = {
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
};

/* Digits into *number; false on overflow.  *text ends behind them. */
static bool read_digits(const char **text, uint64_t *number)
{
    for (; isdigit((unsigned char) **text); (*text)++) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t) (**text - '0'), number))
            return false;
    }
    return true;
}

/*
 * DIGITS[.DIGITS] times a unit.  The fraction is kept as an integer over a
 * power of ten, so that "0.1s" is exact; what is below one unit of the result
 * is refused rather than rounded.
 */
static bool
read_with_unit(const char *text, const struct unit *units, size_t n_units, uint64_t *ret_value)
{
    const char *at = text;
    uint64_t whole = 0, fraction = 0, scale = 1;

    if (!isdigit((unsigned char) *at) || !read_digits(&at, &whole))
        return false;
    if (*at == '.') {
        const char *digits = ++at;
        if (!isdigit((unsigned char) *at) || !read_digits(&at, &fraction) || at - digits > 9)
            return false;
        for (const char *digit = digits; digit < at; digit++)
            scale *= 10;
    }
    if (!*at && whole == 0 && scale == 1) { /* "0" needs no unit */
        *ret_value = 0;
        return true;
    }
    for (size_t i = 0; i < n_units; i++) {
        uint64_t value, part;
        if (strcmp(at, units[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(whole, units[i].factor, &value) ||
            __builtin_mul_overflow(fraction, units[i].factor, &part) || part % scale != 0 ||
            __builtin_add_overflow(value, part / scale, &value))
            return false;
        *ret_value = value;
        return true;
    }
    return false;
}

enum sl_status sl_parse_duration(const char *text, uint64_t *ret_ns, struct sl_error *err)
{
    if (read_with_unit(text, time_units, SL_COUNT_OF(time_units), ret_ns))
        return SL_OK;
    return sl_fail(err, SL_EINVAL, "'%s' is not a duration such as \"200ms\" or \"1.5s\"", text);
}

enum sl_status sl_parse_size(const char *text, uint64_t *ret_bytes, struct sl_error *err)
{
    if (read_with_unit(text, size_units, SL_COUNT_OF(size_units), ret_bytes))
        return SL_OK;
    return sl_fail(err, SL_EINVAL, "'%s' is not a size such as \"256B\" or \"64KiB\"", text);
}

enum sl_status sl_parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *ret_number,
                               struct sl_error *err)
{
    const char *at = text;
    uint64_t number = 0;

    if (!isdigit((unsigned char) *at) || !read_digits(&at, &number) || *at || number < low ||
        number > high)
        return sl_fail(err, SL_EINVAL, "'%s' is not a number from %" PRIu64 " to %" PRIu64, text,
                       low, high);
    *ret_number = number;
    return SL_OK;
}

void sl_format_duration(uint64_t duration_ns, char *ret_text, size_t size)
{
    size_t unit = 0;

    /* s is the largest unit used: "90s" is clearer than "1.5m". */
    for (size_t i = 1; i < 4; i++)
        if (duration_ns >= time_units[i].factor)
            unit = i;
    uint64_t factor = time_units[unit].factor;
    uint64_t rest = duration_ns % factor;
    if (!rest) {
        (void) snprintf(ret_text, size, "%" PRIu64 "%s", duration_ns / factor,
                        time_units[unit].name);
        return;
    }
    char digits[24];
    int width = (int) unit * 3; /* ns, us, ms, s are powers of a thousand */
    (void) snprintf(digits, sizeof digits, "%0*" PRIu64, width, rest);
    /* There is a digit other than 0, for there is a rest. */
    for (size_t end = strlen(digits); digits[end - 1] == '0'; end--)
        digits[end - 1] = '\0';
    (void) snprintf(ret_text, size, "%" PRIu64 ".%s%s", duration_ns / factor, digits,
                    time_units[unit].name);
}
