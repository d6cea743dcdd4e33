/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/envelope/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t size, char *ret_text)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t) bytes[i] << 16;
        if (left > 1)
            group |= (uint32_t) bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        *ret_text++ = alphabet[group >> 18];
        *ret_text++ = alphabet[group >> 12 & 63];
        *ret_text++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *ret_text++ = left > 2 ? alphabet[group & 63] : '=';
    }
}

/* @return 64 for what is not in the alphabet */
static uint32_t value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t) (c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t) (c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t) (c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(const char *text, size_t size, void *ret_data, size_t *ret_size)
{
    unsigned char *bytes = ret_data;
    size_t padding = 0, n = 0;

    if (size % 4 != 0)
        return false;
    if (size > 0 && text[size - 1] == '=')
        padding = text[size - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < size; i += 4) {
        size_t n_values = i + 4 == size ? 4 - padding : 4;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            uint32_t value = j < n_values ? value_of(text[i + j]) : 0;
            if (value > 63)
                return false;
            group = group << 6 | value;
        }
        if ((n_values < 4 && group & 0xff) || (n_values < 3 && group & 0xff00))
            return false; /* bits that belong to no byte */
        bytes[n++] = (unsigned char) (group >> 16);
        if (n_values > 2)
            bytes[n++] = (unsigned char) (group >> 8);
        if (n_values > 3)
            bytes[n++] = (unsigned char) group;
    }
    *ret_size = n;
    return true;
}
