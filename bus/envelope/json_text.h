/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text (RFC 8259): where a value ends and whether it is well-formed, without
 * building anything.
 *
 * A payload is passed on byte for byte, so all that has to be known is its extent.
 * No recursion and no allocation: it runs on threads with small stacks, on bytes that
 * anybody may have sent.
 */
#ifndef BUS_ENVELOPE_JSON_TEXT_H
#define BUS_ENVELOPE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_TEXT_MAX_DEPTH 256u

struct json_text {
    const char *data;
    size_t size;
    size_t at;        /* the next byte; after a failure, the one that is wrong */
    const char *flaw; /* what is wrong there, or NULL */
};

void json_text_skip_blanks(struct json_text *text);

/* Go behind a byte.  @return false when another one is there */
bool json_text_take(struct json_text *text, char byte);

/* Go behind a string or a value that begins at `at`.  @return false when it is malformed */
bool json_text_skip_string(struct json_text *text);
bool json_text_skip_value(struct json_text *text);

#endif
