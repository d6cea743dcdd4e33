/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where something stands in a JSON text.
 *
 * The JSON parser knows positions of syntax errors only.  These functions find the
 * position of a value that the parser accepted, from the way to it, and the way to
 * a position.  They are for error texts: linear in the size of the text, and
 * harmless on text that is not JSON.
 */
#ifndef SL_JSON_LOCATE_H
#define SL_JSON_LOCATE_H

#include <stddef.h>

/* The way to a value: the outermost step last.  The root's parent is NULL. */
struct sl_locate_path {
    const struct sl_locate_path *parent;
    const char *key; /* member of an object; NULL: element of an array */
    size_t index;    /* of an array's element */
};

struct sl_locate_text {
    const char *data;
    size_t size;
};

/* Byte offset of a value, and of the key of a member (the value itself when it has no key). */
size_t sl_locate_value(const struct sl_locate_text *text, const struct sl_locate_path *path);
size_t sl_locate_key(const struct sl_locate_text *text, const struct sl_locate_path *path);

/* Start of the token that holds the byte before `end`; `end` itself when that is blank. */
size_t sl_locate_token(const struct sl_locate_text *text, size_t end);

/* 1-based line and byte column of a byte offset. */
void sl_locate_position(const struct sl_locate_text *text, size_t offset, unsigned *ret_line,
                        unsigned *ret_column);

/* "modes.keyed.workers", "variants[2].pool"; "" for the root. */
void sl_locate_format(const struct sl_locate_path *path, char *ret_text, size_t size);

/* The same for the member or element that a byte offset belongs to. */
void sl_locate_describe(const struct sl_locate_text *text, size_t offset, char *ret_text,
                        size_t size);

/* Append a text of the input's to an error text: no control characters, shortened when long. */
void sl_locate_append_quoted(char *text, size_t size, const char *data, size_t data_size);

#endif
