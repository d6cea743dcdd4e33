/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as the kernel writes them: digits, no sign, no blank before.  The C library's
 * functions read more forms, and take several times as long for it, which
 * is seen with six files for each of thousands of threads.
 */
#ifndef SL_SNAPSHOT_TARGET_DIGITS_H
#define SL_SNAPSHOT_TARGET_DIGITS_H

#include <stdbool.h>
#include <stdint.h>

/* @return false when there is no digit; else *at is behind the last one */
static inline bool sl_digits_decimal(const char **at, uint64_t *ret_value)
{
    const char *start = *at;
    uint64_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = value * 10 + (uint64_t) (**at - '0');
    *ret_value = value;
    return *at != start;
}

/* The same of base 16, lower case. */
static inline bool sl_digits_hex(const char **at, uint64_t *ret_value)
{
    const char *start = *at;
    uint64_t value = 0;
    for (;; (*at)++) {
        if (**at >= '0' && **at <= '9')
            value = value << 4 | (uint64_t) (**at - '0');
        else if (**at >= 'a' && **at <= 'f')
            value = value << 4 | (uint64_t) (**at - 'a' + 10);
        else
            break;
    }
    *ret_value = value;
    return *at != start;
}

#endif
