/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/envelope/timestamp.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const char malformed[] = "is no date and time of RFC 3339";

void timestamp_format(uint64_t timestamp_ns, char *ret_text)
{
    time_t seconds = (time_t) (timestamp_ns / SL_NS_PER_S);
    uint64_t fraction = timestamp_ns % SL_NS_PER_S;
    struct tm date;

    (void) gmtime_r(&seconds, &date);
    size_t size = strftime(ret_text, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    if (fraction > 0) {
        (void) sprintf(ret_text + size, ".%09llu", (unsigned long long) fraction);
        for (size = strlen(ret_text); ret_text[size - 1] == '0'; size--)
            continue;
    }
    (void) strcpy(ret_text + size, "Z");
}

/* Read exactly n digits and go behind them. */
static bool read_number(const char **at, unsigned n, int *ret_number)
{
    int number = 0;
    for (; n > 0; n--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        number = 10 * number + (**at - '0');
    }
    *ret_number = number;
    return true;
}

static bool read_byte(const char **at, char upper, char lower)
{
    if (**at != upper && **at != lower)
        return false;
    (*at)++;
    return true;
}

/* Up to the seconds; whether there is such a day is not asked here. */
static bool read_date(const char **at, struct tm *ret_date)
{
    struct tm date = {.tm_isdst = 0};
    if (!read_number(at, 4, &date.tm_year) || !read_byte(at, '-', '-') ||
        !read_number(at, 2, &date.tm_mon) || !read_byte(at, '-', '-') ||
        !read_number(at, 2, &date.tm_mday) || !read_byte(at, 'T', 't') ||
        !read_number(at, 2, &date.tm_hour) || !read_byte(at, ':', ':') ||
        !read_number(at, 2, &date.tm_min) || !read_byte(at, ':', ':') ||
        !read_number(at, 2, &date.tm_sec))
        return false;
    date.tm_year -= 1900;
    date.tm_mon--;
    *ret_date = date;
    return date.tm_hour < 24 && date.tm_min < 60 && date.tm_sec <= 60;
}

/* ".123", or nothing. */
static bool read_fraction(const char **at, uint64_t *ret_ns)
{
    uint64_t ns = 0, digit_ns = SL_NS_PER_S / 10;
    if (**at == '.') {
        const char *first = ++*at;
        for (; **at >= '0' && **at <= '9'; (*at)++, digit_ns /= 10)
            ns += digit_ns * (uint64_t) (**at - '0');
        if (*at == first)
            return false;
    }
    *ret_ns = ns;
    return true;
}

/* "Z", or "+08:00": seconds east of Greenwich. */
static bool read_offset(const char **at, int *ret_seconds)
{
    int hours = 0, minutes = 0, sign = **at == '-' ? -1 : 1;
    *ret_seconds = 0;
    if (read_byte(at, 'Z', 'z'))
        return true;
    if (!read_byte(at, '+', '-') || !read_number(at, 2, &hours) || !read_byte(at, ':', ':') ||
        !read_number(at, 2, &minutes))
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

const char *timestamp_parse(const char *text, uint64_t *ret_timestamp_ns)
{
    struct tm date;
    uint64_t fraction_ns = 0;
    int offset = 0;

    if (!read_date(&text, &date) || !read_fraction(&text, &fraction_ns) ||
        !read_offset(&text, &offset) || *text)
        return malformed;
    bool leap = date.tm_sec == 60;
    struct tm day = {.tm_year = date.tm_year, .tm_mon = date.tm_mon, .tm_mday = date.tm_mday};
    time_t seconds = timegm(&day);
    if (day.tm_mday != date.tm_mday || day.tm_mon != date.tm_mon)
        return malformed; /* the calendar has no such day: it became another */
    seconds += date.tm_hour * 3600 + date.tm_min * 60 + date.tm_sec - offset;
    if (leap && seconds % 86400 != 0)
        return malformed; /* they come at the end of a day of UTC only */
    if (seconds < 0)
        return "is before 1970";
    if ((uint64_t) seconds > (UINT64_MAX - fraction_ns) / SL_NS_PER_S)
        return "is too late to count in nanoseconds";
    *ret_timestamp_ns = (uint64_t) seconds * SL_NS_PER_S + fraction_ns;
    return NULL;
}
