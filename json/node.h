/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON into structs, one table of fields per object.
 *
 * A key that is not in the table, a value of the wrong type and a value out of
 * range fail with file, line, column and the way to the value.  Keys are read in
 * the order of the file, so that the first thing wrong is the one reported.
 */
#ifndef SL_JSON_NODE_H
#define SL_JSON_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "json/locate.h"

struct json_t; /* of the JSON library */

struct sl_node_input {
    const char *name; /* what error texts call the input */
    const char *what; /* and its kind: "scenario" */
    struct sl_locate_text text;
    struct sl_error *err;
};

/* One value and the way to it. */
struct sl_node {
    struct sl_locate_path path;
    const struct json_t *value;
    const struct sl_node_input *input;
};

struct sl_node_table {
    const struct sl_node_field *fields;
    size_t n_fields;
};

struct sl_node_words {
    const char *const *texts; /* of an enum whose values are 0 to n - 1 */
    size_t n;
};

struct sl_node_field {
    const char *key;
    /* Reads the value into what stands `offset` bytes behind the start of the object's struct. */
    enum sl_status (*read)(const struct sl_node *node, const struct sl_node_field *field,
                           void *into);
    size_t offset;
    uint64_t low, high; /* inclusive, but for the low one of a fraction; of numbers, sizes,
                           durations, bytes of a text */
    bool required;
    const struct sl_node_table *table; /* of an object */
    const struct sl_node_words *words; /* of a word */
};

/* The input as a tree.  SL_EPARSE for what is not JSON. */
SL_CHECKED enum sl_status
sl_node_parse(const struct sl_node_input *input, struct json_t **ret_root);
void sl_node_release(struct json_t **root);

/* SL_EPARSE at a node's value, or at the value of one of its members. */
enum sl_status sl_node_fail(const struct sl_node *node, const char *format, ...) SL_PRINTF(2, 3);
enum sl_status sl_node_fail_member(const struct sl_node *node, const char *key, const char *format,
                                   ...) SL_PRINTF(3, 4);
/* "expected ..., got VALUE" */
enum sl_status sl_node_fail_expected(const struct sl_node *node, const char *format, ...)
    SL_PRINTF(2, 3);

/* An object by its table. */
SL_CHECKED enum sl_status
sl_node_read_table(const struct sl_node *node, const struct sl_node_table *table, void *into);

/* Number of elements of an array of low to high elements, and one of them. */
SL_CHECKED enum sl_status
sl_node_read_count(const struct sl_node *node, size_t low, size_t high, size_t *ret_n);
struct sl_node sl_node_element(const struct sl_node *array, size_t index);

bool sl_node_is_text(const struct sl_node *node, const char *text);
bool sl_node_is_number(const struct sl_node *node, uint64_t low, uint64_t high,
                       uint64_t *ret_number);
bool sl_node_has(const struct sl_node *object, const char *key);

/* For tables; `into` points to the type in the name; text: char[field->high + 1]; word: an enum;
   real: a double, above low; object: the struct of the table. */
enum sl_status
sl_node_read_object(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_word(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_real(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_u32(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_u64(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_size_u32(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_size_u64(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_duration(const struct sl_node *node, const struct sl_node_field *field, void *into);
enum sl_status
sl_node_read_text(const struct sl_node *node, const struct sl_node_field *field, void *into);

#endif
