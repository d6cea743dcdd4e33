/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a line from its left. */
#ifndef SL_GOROUTINE_DUMP_SCAN_H
#define SL_GOROUTINE_DUMP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dump_scan {
    const char *at, *end;
};

static inline int scan_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Go on behind this text, if it is here. */
static inline bool scan_text(struct dump_scan *scan, const char *text)
{
    size_t size = strlen(text);

    if ((size_t) (scan->end - scan->at) < size || memcmp(scan->at, text, size) != 0)
        return false;
    scan->at += size;
    return true;
}

/* Go on behind a number, if one is here that does not overflow. */
static inline bool scan_number(struct dump_scan *scan, unsigned base, uint64_t *ret_number)
{
    const char *at = scan->at;
    uint64_t number = 0;

    for (int digit; at < scan->end; at++) {
        digit = scan_hex_digit(*at);
        if (digit < 0 || (unsigned) digit >= base)
            break;
        if (number > (UINT64_MAX - (unsigned) digit) / base)
            return false;
        number = number * base + (unsigned) digit;
    }
    if (at == scan->at)
        return false;
    scan->at = at;
    *ret_number = number;
    return true;
}

/* "0x" and hexadecimal digits. */
static inline bool scan_address(struct dump_scan *scan, uint64_t *ret_address)
{
    const char *at = scan->at;

    if (scan_text(scan, "0x") && scan_number(scan, 16, ret_address))
        return true;
    scan->at = at;
    return false;
}

/* Go on behind the blanks that are here.  @return how many */
static inline size_t scan_blanks(struct dump_scan *scan)
{
    const char *at = scan->at;

    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t'))
        scan->at++;
    return (size_t) (scan->at - at);
}

static inline bool scan_ended(const struct dump_scan *scan)
{
    return scan->at == scan->end;
}

#endif
