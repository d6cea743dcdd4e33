/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648, section 4: the standard alphabet, padded, one way to write each input. */
#ifndef BUS_ENVELOPE_BASE64_H
#define BUS_ENVELOPE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters that so many bytes become. */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)

/* Write BASE64_SIZE(size) characters and no NUL. */
void base64_encode(const void *data, size_t size, char *ret_text);

/*
 * Read `size` characters; ret_data has room for size / 4 * 3 bytes and may be where the
 * text is.
 *
 * @return false when they are not what base64_encode writes
 */
bool base64_decode(const char *text, size_t size, void *ret_data, size_t *ret_size);

#endif
