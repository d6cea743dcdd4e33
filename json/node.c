/* SPDX-License-Identifier: Apache-2.0 */
#include "json/node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/nearest.h"
#include "base/parse.h"

#define SHOWN_NAME 100 /* bytes of a long path; its end tells more than its start */
#define PATH_SIZE  128
#define TEXT_SIZE  256

static enum sl_status
fail_at(const struct sl_node_input *input, size_t offset, const char *path, const char *text)
{
    unsigned line, column;
    size_t length = strlen(input->name);
    bool is_long = length > SHOWN_NAME;

    sl_locate_position(&input->text, offset, &line, &column);
    return sl_fail_parse(input->err, line, column, "%s%s:%u:%u: %s%s%s", is_long ? "..." : "",
                         is_long ? input->name + length - SHOWN_NAME : input->name, line, column,
                         path, *path ? ": " : "", text);
}

static enum sl_status
fail_at_path(const struct sl_node *node, size_t offset, const char *format, va_list args)
{
    char path[PATH_SIZE], text[TEXT_SIZE];

    sl_locate_format(&node->path, path, sizeof path);
    (void) vsnprintf(text, sizeof text, format, args);
    return fail_at(node->input, offset, path, text);
}

enum sl_status sl_node_fail(const struct sl_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum sl_status status =
        fail_at_path(node, sl_locate_value(&node->input->text, &node->path), format, args);
    va_end(args);
    return status;
}

static struct sl_node member(const struct sl_node *node, const char *key)
{
    return (struct sl_node){.path = {.parent = &node->path, .key = key},
                            .value = json_object_get(node->value, key),
                            .input = node->input};
}

enum sl_status
sl_node_fail_member(const struct sl_node *node, const char *key, const char *format, ...)
{
    struct sl_node child = member(node, key);
    va_list args;
    va_start(args, format);
    enum sl_status status =
        fail_at_path(&child, sl_locate_value(&node->input->text, &child.path), format, args);
    va_end(args);
    return status;
}

/* "many" with its quotes, 3.5, true; the kind of what is too long to show. */
static void show_value(const struct json_t *value, char *ret_text, size_t size)
{
    char dump[TEXT_SIZE];

    ret_text[0] = '\0';
    if (json_is_object(value) || json_is_array(value)) {
        (void) snprintf(ret_text, size, "%s", json_is_object(value) ? "an object" : "an array");
        return;
    }
    size_t length = json_dumpb(value, dump, sizeof dump, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    if (length == 0 || length > sizeof dump)
        (void) snprintf(ret_text, size, "a long text");
    else
        sl_locate_append_quoted(ret_text, size, dump, length);
}

enum sl_status sl_node_fail_expected(const struct sl_node *node, const char *format, ...)
{
    char expected[TEXT_SIZE], got[TEXT_SIZE];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(expected, sizeof expected, format, args);
    va_end(args);
    show_value(node->value, got, sizeof got);
    return sl_node_fail(node, "expected %s, got %s", expected, got);
}

/* Our own words for the errors that a person meets; the library's for the rest. */
static void describe_syntax(const struct sl_node_input *input, const json_error_t *error,
                            char *ret_text, size_t size)
{
    const struct sl_locate_text *text = &input->text;
    const struct sl_locate_path root = {0};
    const char *fixed = NULL;

    ret_text[0] = '\0';
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        fixed = sl_locate_value(text, &root) >= text->size ? "the file is empty"
                                                           : "the text ends too early";
        break;
    case json_error_end_of_input_expected:
        (void) snprintf(ret_text, size, "there is more text after the end of the %s", input->what);
        return;
    case json_error_duplicate_key:
        fixed = "this key is there twice";
        break;
    case json_error_invalid_utf8:
        fixed = "not valid UTF-8";
        break;
    case json_error_stack_overflow:
        fixed = "nested too deeply";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        fixed = "a text contains a NUL character";
        break;
    default:
        if (text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
            fixed = "the file starts with a byte order mark";
    }
    if (fixed) {
        (void) snprintf(ret_text, size, "%s", fixed);
    } else {
        (void) snprintf(ret_text, size, "not JSON: ");
        sl_locate_append_quoted(ret_text, size, error->text, strlen(error->text));
    }
}

static enum sl_status fail_syntax(const struct sl_node_input *input, const json_error_t *error)
{
    size_t offset = SL_MIN((size_t) SL_MAX(error->position, 0), input->text.size);
    enum json_error_code code = json_error_code(error);
    char path[PATH_SIZE], text[TEXT_SIZE];

    /* The library points behind the token it did not like, but at a byte that is not UTF-8. */
    if (code != json_error_invalid_utf8 && code != json_error_premature_end_of_input)
        offset = sl_locate_token(&input->text, offset);
    sl_locate_describe(&input->text, offset, path, sizeof path);
    describe_syntax(input, error, text, sizeof text);
    return fail_at(input, offset, path, text);
}

enum sl_status sl_node_parse(const struct sl_node_input *input, struct json_t **ret_root)
{
    json_error_t error;

    /* The library calls a failed allocation "invalid token"; only errno tells them apart. */
    errno = 0;
    json_t *root = json_loadb(input->text.data, input->text.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root && errno == ENOMEM)
        return sl_fail(input->err, SL_ENOMEM, "cannot read '%s': out of memory", input->name);
    if (!root)
        return fail_syntax(input, &error);
    *ret_root = root;
    return SL_OK;
}

void sl_node_release(struct json_t **root)
{
    json_decref(*root);
}

#define MAX_FIELDS 32 /* of one object; no object has as many */

static enum sl_status fail_unknown(const struct sl_node *node, const struct sl_node_table *table)
{
    const struct sl_locate_text *text = &node->input->text;
    char path[PATH_SIZE], message[TEXT_SIZE];
    const char *known[MAX_FIELDS] = {NULL};
    size_t n = SL_MIN(table->n_fields, (size_t) MAX_FIELDS);

    for (size_t i = 0; i < n; i++)
        known[i] = table->fields[i].key;
    const char *nearest = sl_nearest(node->path.key, known, n);
    if (nearest) {
        (void) snprintf(message, sizeof message, "unknown key, did you mean '%s'?", nearest);
    } else {
        size_t used = (size_t) snprintf(message, sizeof message, "unknown key, known here: ");
        for (size_t i = 0; i < n && used < sizeof message; i++)
            used += (size_t) snprintf(message + used, sizeof message - used, "%s%s",
                                      i > 0 ? ", " : "", known[i]);
    }
    sl_locate_format(&node->path, path, sizeof path);
    return fail_at(node->input, sl_locate_key(text, &node->path), path, message);
}

static const struct sl_node_field *find_field(const struct sl_node_table *table, const char *key)
{
    for (size_t i = 0; i < table->n_fields; i++) {
        if (strcmp(table->fields[i].key, key) == 0)
            return &table->fields[i];
    }
    return NULL;
}

enum sl_status
sl_node_read_table(const struct sl_node *node, const struct sl_node_table *table, void *into)
{
    const char *key;
    json_t *value;

    if (!json_is_object(node->value))
        return sl_node_fail_expected(node, "an object");
    json_object_foreach((json_t *) node->value, key, value)
    {
        const struct sl_node_field *field = find_field(table, key);
        struct sl_node child = {
            .path = {.parent = &node->path, .key = key}, .value = value, .input = node->input};
        if (!field)
            return fail_unknown(&child, table);
        enum sl_status status = field->read(&child, field, (char *) into + field->offset);
        if (status)
            return status;
    }
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct sl_node_field *field = &table->fields[i];
        if (field->required && !json_object_get(node->value, field->key))
            return sl_node_fail(node, "'%s' is missing", field->key);
    }
    return SL_OK;
}

enum sl_status
sl_node_read_object(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    return sl_node_read_table(node, field->table, into);
}

enum sl_status
sl_node_read_count(const struct sl_node *node, size_t low, size_t high, size_t *ret_n)
{
    size_t n = json_array_size(node->value);
    if (!json_is_array(node->value))
        return sl_node_fail_expected(node, "an array");
    if (n < low || n > high)
        return sl_node_fail(node, "expected %zu to %zu elements, got %zu", low, high, n);
    *ret_n = n;
    return SL_OK;
}

struct sl_node sl_node_element(const struct sl_node *array, size_t index)
{
    return (struct sl_node){.path = {.parent = &array->path, .index = index},
                            .value = json_array_get(array->value, index),
                            .input = array->input};
}

enum sl_status
sl_node_read_word(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    const struct sl_node_words *words = field->words;
    char list[TEXT_SIZE];
    size_t used = 0;

    for (size_t i = 0; i < words->n; i++) {
        if (sl_node_is_text(node, words->texts[i])) {
            *(unsigned *) into = (unsigned) i;
            return SL_OK;
        }
    }
    for (size_t i = 0; i < words->n && used < sizeof list; i++)
        used += (size_t) snprintf(list + used, sizeof list - used, "%s\"%s\"",
                                  i == 0              ? ""
                                  : i + 1 == words->n ? " or "
                                                      : ", ",
                                  words->texts[i]);
    return sl_node_fail_expected(node, "%s", list);
}

bool sl_node_is_text(const struct sl_node *node, const char *text)
{
    return json_is_string(node->value) && strcmp(json_string_value(node->value), text) == 0;
}

bool sl_node_is_number(const struct sl_node *node, uint64_t low, uint64_t high,
                       uint64_t *ret_number)
{
    json_int_t number = json_integer_value(node->value);
    if (!json_is_integer(node->value) || number < 0 || (uint64_t) number < low ||
        (uint64_t) number > high)
        return false;
    *ret_number = (uint64_t) number;
    return true;
}

bool sl_node_has(const struct sl_node *object, const char *key)
{
    return json_object_get(object->value, key) != NULL;
}

enum sl_status
sl_node_read_real(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    double real = json_number_value(node->value);
    if (!json_is_number(node->value) || real <= (double) field->low || real > (double) field->high)
        return sl_node_fail_expected(node, "a number above %" PRIu64 " and at most %" PRIu64,
                                     field->low, field->high);
    *(double *) into = real;
    return SL_OK;
}

enum sl_status
sl_node_read_u64(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    if (sl_node_is_number(node, field->low, field->high, into))
        return SL_OK;
    return sl_node_fail_expected(node, "a whole number from %" PRIu64 " to %" PRIu64, field->low,
                                 field->high);
}

enum sl_status
sl_node_read_u32(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    uint64_t number = 0;
    enum sl_status status = sl_node_read_u64(node, field, &number);
    if (status == SL_OK)
        *(uint32_t *) into = (uint32_t) number;
    return status;
}

static void format_size(uint64_t size, char *ret_text, size_t text_size)
{
    static const char *const units[] = {"B", "KiB", "MiB"};
    size_t unit = 0;
    for (; unit + 1 < SL_COUNT_OF(units) && size % 1024 == 0 && size > 0; unit++)
        size /= 1024;
    (void) snprintf(ret_text, text_size, "%" PRIu64 "%s", size, units[unit]);
}

/* A number that is written as a text. */
static enum sl_status
read_scaled(const struct sl_node *node, const struct sl_node_field *field,
            enum sl_status (*parse)(const char *text, uint64_t *ret_number, struct sl_error *err),
            void (*format)(uint64_t number, char *ret_text, size_t size), const char *what,
            uint64_t *into)
{
    char low[32], high[32];
    uint64_t number = 0;

    if (json_is_string(node->value) && !parse(json_string_value(node->value), &number, NULL) &&
        number >= field->low && number <= field->high) {
        *into = number;
        return SL_OK;
    }
    format(field->low, low, sizeof low);
    format(field->high, high, sizeof high);
    return sl_node_fail_expected(node, "%s from \"%s\" to \"%s\"", what, low, high);
}

enum sl_status
sl_node_read_size_u64(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    return read_scaled(node, field, sl_parse_size, format_size, "a size", into);
}

enum sl_status
sl_node_read_size_u32(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    uint64_t size = 0;
    enum sl_status status = sl_node_read_size_u64(node, field, &size);
    if (status == SL_OK)
        *(uint32_t *) into = (uint32_t) size;
    return status;
}

enum sl_status
sl_node_read_duration(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    return read_scaled(node, field, sl_parse_duration, sl_format_duration, "a duration", into);
}

enum sl_status
sl_node_read_text(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    size_t length = json_string_length(node->value);
    if (!json_is_string(node->value) || length < field->low || length > field->high)
        return sl_node_fail_expected(node, "a text of %" PRIu64 " to %" PRIu64 " bytes", field->low,
                                     field->high);
    memcpy(into, json_string_value(node->value), length + 1);
    return SL_OK;
}
