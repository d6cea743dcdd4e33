/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 allows it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

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

/* C0, DEL and the C1 controls, which are two bytes in UTF-8. */
static inline bool sl_utf8_is_control(const char *text)
{
    unsigned char first = (unsigned char) text[0];
    return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char) text[1] < 0xa0);
}

/* Bytes that are no character become question marks; with `controls`, those of control characters
   do, too. */
void sl_utf8_clean(char *text, bool controls);

#endif
