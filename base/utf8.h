/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 allows it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"

/* Bytes of the character at bytes[0], of which `left` are there; 0: it is none. */
static inline size_t utf8_length(const unsigned char *bytes, size_t left)
{
    if (left == 0)
        return 0;
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (left < length || bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

/* The same for a text that ends with NUL; 0 at its end. */
static inline size_t sl_utf8_length(const char *text)
{
    return *text ? utf8_length((const unsigned char *) text, 4) : 0; /* it never looks past a NUL */
}

/*
 * The one rule for bytes that come from outside (a target, a driver, a server, a file) and go to a
 * terminal or into a file.  Not shown as they are: what is no UTF-8, control characters, which
 * command a terminal, and what is invisible or makes a text look like another one: marks of
 * direction, spaces of no width, separators of lines.
 *
 * @param ret_code  the code point, or 0xfffd for a byte that is no character
 * @return bytes of the character, at least 1; 0 at the end of the text
 */
size_t sl_utf8_next(const char *text, uint32_t *ret_code, bool *ret_printable);

/* Each byte that is not shown becomes a question mark. */
void sl_utf8_clean(char *text);

/* The same to a stream without a copy; NULL: nowhere.  @return columns of what is printed */
size_t sl_utf8_print(const char *text, FILE *out);

/* A text made by a format, cleaned as a whole, so that one line stays one line: only a newline that
   the format ends with is one. */
void sl_utf8_printf(FILE *out, const char *format, ...) SL_PRINTF(2, 3);

#endif
