/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader: walks the layout beside the parsed JSON.
 *
 * A measured number that is null or absent becomes missing with a reason; every
 * other absent key is an error, so that a report with holes cannot pass a gate.
 */
#include "json/layout_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "base/value.h"
#include "json/locate.h"

/* Of the tree that is made of a document; a million groups take some 4 GiB. */
#define MEMORY_LIMIT (UINT64_C(6) << 30)

struct reader {
    const struct sl_layout *layout;
    struct sl_arena *arena;
    const char *name;
    struct sl_error *err;
};

static enum sl_status read_object(struct reader *reader, const struct sl_object *object,
                                  const json_t *json, const struct sl_locate_path *step,
                                  void *base);

static void *member(void *base, size_t offset)
{
    return (char *) base + offset;
}

static enum sl_status SL_PRINTF(3, 4)
    refuse(struct reader *reader, const struct sl_locate_path *step, const char *format, ...)
{
    char path[160], problem[160];
    va_list args;
    sl_locate_format(step, path, sizeof path);
    va_start(args, format);
    (void) vsnprintf(problem, sizeof problem, format, args);
    va_end(args);
    return sl_fail_parse(reader->err, 0, 0, "%s: %s%s%s", reader->name, path, *path ? ": " : "",
                         problem);
}

static enum sl_status no_memory(struct reader *reader)
{
    return sl_fail(reader->err, SL_ENOMEM, "out of memory for '%s'", reader->name);
}

static const char *type_name(const json_t *json)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "a list",    [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null",
    };
    return names[json_typeof(json)];
}

static enum sl_status wrong_type(struct reader *reader, const struct sl_locate_path *step,
                                 const char *expected, const json_t *json)
{
    return refuse(reader, step, "expected %s, not %s", expected, type_name(json));
}

/* Readers of JSON that have doubles only tell no integer above it from its neighbour, and there is
   nothing of which a document counts as many. */
#define MOST (INT64_C(1) << 53)

/* An integer of a kind, in that kind's range. */
static enum sl_status read_integer(struct reader *reader, enum sl_field_kind kind,
                                   const json_t *json, const struct sl_locate_path *step, void *at)
{
    bool is_int = kind == SL_FIELD_INT, is_narrow = kind == SL_FIELD_U32 || kind == SL_FIELD_COUNT;
    int64_t low = is_int ? INT32_MIN : kind == SL_FIELD_I64 ? INT64_MIN : 0;
    int64_t high = is_int                 ? INT32_MAX
                   : is_narrow            ? UINT32_MAX
                   : kind == SL_FIELD_I64 ? INT64_MAX
                                          : MOST;

    if (!json_is_integer(json))
        return wrong_type(reader, step, "an integer", json);
    int64_t number = json_integer_value(json);
    if (number < low || number > high)
        return refuse(reader, step, "%" PRId64 " is not from %" PRId64 " to %" PRId64, number, low,
                      high);
    if (is_int || is_narrow)
        *(uint32_t *) at = (uint32_t) number;
    else
        *(uint64_t *) at = (uint64_t) number;
    return SL_OK;
}

/* The text behind `missing`.KEY of an object, in the arena. */
static enum sl_status
read_reason(struct reader *reader, const json_t *object, const char *key, const char **ret_reason)
{
    const json_t *reason = json_object_get(json_object_get(object, "missing"), key);
    if (json_string_length(reason))
        *ret_reason = sl_arena_strdup(reader->arena, json_string_value(reason));
    else if (json_object_get(object, key))
        *ret_reason = "no reason is given";
    else
        *ret_reason = sl_arena_printf(reader->arena, "not in the %s", reader->layout->what);
    return *ret_reason ? SL_OK : no_memory(reader);
}

/* A number that may be null: VALUE, REAL, COUNT. */
static enum sl_status read_measured(struct reader *reader, const struct sl_field *field,
                                    const json_t *object, const struct sl_locate_path *step,
                                    void *base)
{
    const json_t *json = json_object_get(object, field->key);
    void *at = member(base, field->offset);

    if (!json && field->late)
        return SL_OK; /* zero already */
    if (!json || json_is_null(json)) {
        const char **reason = field->kind == SL_FIELD_VALUE  ? &((struct sl_value *) at)->missing
                              : field->kind == SL_FIELD_REAL ? &((struct sl_real *) at)->missing
                                                             : member(base, field->other);
        return read_reason(reader, object, field->key, reason);
    }
    if (field->kind != SL_FIELD_REAL)
        return read_integer(reader, field->kind, json, step, at); /* first in a struct sl_value */
    if (!json_is_number(json))
        return wrong_type(reader, step, "a number", json);
    *(struct sl_real *) at = SL_REAL(json_number_value(json));
    return SL_OK;
}

static enum sl_status
read_schema(struct reader *reader, const json_t *json, const struct sl_locate_path *step)
{
    const struct sl_layout *layout = reader->layout;
    const char *text = json_string_value(json);
    size_t length = strlen(layout->schema);

    if (!text || strncmp(text, layout->schema, length) != 0 || text[length] != '/')
        return refuse(reader, step, "not a strandline %s", layout->what);
    const char *digits = text + length + 1;
    char *end;
    errno = 0;
    unsigned long major = strtoul(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end || errno)
        return refuse(reader, step, "not a strandline %s", layout->what);
    if (major != layout->major)
        return refuse(reader, step, "version %lu of the format is not understood, only %u", major,
                      layout->major);
    return SL_OK;
}

static enum sl_status read_word(struct reader *reader, const struct sl_words *words,
                                const json_t *json, const struct sl_locate_path *step,
                                unsigned *ret_value)
{
    if (!json_is_string(json))
        return wrong_type(reader, step, "a string", json);
    for (unsigned i = 0; i < words->n; i++) {
        if (strcmp(words->text(i), json_string_value(json)) == 0) {
            *ret_value = i;
            return SL_OK;
        }
    }
    return refuse(reader, step, "a word that is not known here");
}

/* HEX ("0x1f") and DECIMAL ("31"). */
static enum sl_status read_digits(struct reader *reader, bool hex, const json_t *json,
                                  const struct sl_locate_path *step, uint64_t *ret_number)
{
    const char *text = json_string_value(json);
    if (!text)
        return wrong_type(reader, step, "a string of digits", json);
    const char *digits = hex && strncmp(text, "0x", 2) == 0 ? text + 2 : text;
    const char *allowed = hex ? "0123456789abcdef" : "0123456789";
    errno = 0;
    uint64_t number = strtoull(digits, NULL, hex ? 16 : 10);
    if (!*digits || digits[strspn(digits, allowed)] || errno || (hex && digits == text))
        return refuse(reader, step, "expected %s digits", hex ? "0x and hexadecimal" : "decimal");
    *ret_number = number;
    return SL_OK;
}

static enum sl_status read_text(struct reader *reader, const json_t *json,
                                const struct sl_locate_path *step, const char **ret_text)
{
    if (!json_is_string(json))
        return wrong_type(reader, step, "a string", json);
    *ret_text = sl_arena_strdup(reader->arena, json_string_value(json));
    return *ret_text ? SL_OK : no_memory(reader);
}

static enum sl_status read_chars(struct reader *reader, const json_t *json,
                                 const struct sl_locate_path *step, char *ret_chars, size_t size)
{
    if (!json_is_string(json))
        return wrong_type(reader, step, "a string", json);
    if (json_string_length(json) >= size)
        return refuse(reader, step, "longer than %zu bytes", size - 1);
    memcpy(ret_chars, json_string_value(json), json_string_length(json) + 1);
    return SL_OK;
}

/* Twice the room, for n elements at most.  Not all at once: then it is the elements that were read,
   and not how many there seem to be, that say how much memory is used. */
static bool grow_list(struct reader *reader, char **elements, size_t size, size_t *room, size_t n)
{
    size_t larger = SL_MIN(n, 2 * *room);
    char *copy = sl_arena_array(reader->arena, larger, size);

    if (!copy)
        return false;
    memcpy(copy, *elements, *room * size);
    *elements = copy;
    *room = larger;
    return true;
}

static enum sl_status read_list(struct reader *reader, const struct sl_field *field,
                                const json_t *json, const struct sl_locate_path *step, void *base)
{
    if (!json_is_array(json))
        return wrong_type(reader, step, "a list", json);
    size_t size = field->kind == SL_FIELD_NAMES     ? sizeof(const char *)
                  : field->kind == SL_FIELD_NUMBERS ? sizeof(uint64_t)
                                                    : field->size;
    size_t n = json_array_size(json), room = SL_MIN(n, (size_t) 64);
    char *elements = sl_arena_array(reader->arena, room, size);
    enum sl_status status = elements ? SL_OK : no_memory(reader);

    for (size_t i = 0; i < n && !status; i++) {
        if (i == room && !grow_list(reader, &elements, size, &room, n))
            return no_memory(reader);
        struct sl_locate_path element = {.parent = step, .index = i};
        const json_t *item = json_array_get(json, i);
        void *at = elements + i * size;
        status = field->kind == SL_FIELD_NAMES ? read_text(reader, item, &element, at)
                 : field->kind == SL_FIELD_NUMBERS
                     ? read_integer(reader, SL_FIELD_U64, item, &element, at)
                     : read_object(reader, field->object, item, &element, at);
    }
    if (status)
        return status;
    *(void **) member(base, field->offset) = elements;
    *(size_t *) member(base, field->other) = n;
    return SL_OK;
}

static enum sl_status read_ids(struct reader *reader, const struct sl_field *field,
                               const json_t *json, const struct sl_locate_path *step, void *base)
{
    if (!json_is_array(json))
        return wrong_type(reader, step, "a list", json);
    uint64_t *ids = member(base, field->offset);
    size_t n = json_array_size(json);
    if (n > field->size / sizeof *ids)
        return refuse(reader, step, "more than %zu elements", field->size / sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        struct sl_locate_path element = {.parent = step, .index = i};
        enum sl_status status =
            read_integer(reader, SL_FIELD_U64, json_array_get(json, i), &element, &ids[i]);
        if (status)
            return status;
    }
    *(uint32_t *) member(base, field->other) = (uint32_t) n;
    return SL_OK;
}

static enum sl_status read_present(struct reader *reader, const struct sl_field *field,
                                   const json_t *json, const struct sl_locate_path *step,
                                   void *base)
{
    void *at = member(base, field->offset);

    switch (field->kind) {
    case SL_FIELD_SCHEMA:
        return read_schema(reader, json, step);
    case SL_FIELD_BOOL:
        if (!json_is_boolean(json))
            return wrong_type(reader, step, "true or false", json);
        *(bool *) at = json_is_true(json);
        return SL_OK;
    case SL_FIELD_MAYBE:
        if (!json_is_boolean(json))
            return wrong_type(reader, step, "true, false or null", json);
        *(enum sl_maybe *) at = json_is_true(json) ? SL_MAYBE_YES : SL_MAYBE_NO;
        return SL_OK;
    case SL_FIELD_WORD:
        return read_word(reader, field->words, json, step, at);
    case SL_FIELD_NAME:
    case SL_FIELD_TEXT:
        return read_text(reader, json, step, at);
    case SL_FIELD_CHARS:
        return read_chars(reader, json, step, at, field->size);
    case SL_FIELD_HEX:
    case SL_FIELD_DECIMAL:
        return read_digits(reader, field->kind == SL_FIELD_HEX, json, step, at);
    case SL_FIELD_OBJECT:
        return read_object(reader, field->object, json, step, at);
    case SL_FIELD_POINTER: {
        void *pointed = sl_arena_alloc(reader->arena, field->size);
        *(void **) at = pointed;
        return pointed ? read_object(reader, field->object, json, step, pointed)
                       : no_memory(reader);
    }
    case SL_FIELD_LIST:
    case SL_FIELD_NAMES:
    case SL_FIELD_NUMBERS:
        return read_list(reader, field, json, step, base);
    case SL_FIELD_IDS:
        return read_ids(reader, field, json, step, base);
    default:
        return read_integer(reader, field->kind, json, step, at);
    }
}

static enum sl_status read_field(struct reader *reader, const struct sl_field *field,
                                 const json_t *object, const struct sl_locate_path *up, void *base)
{
    struct sl_locate_path step = {.parent = up, .key = field->key};
    const json_t *json = json_object_get(object, field->key);
    bool may_be_null = field->kind == SL_FIELD_TEXT || field->kind == SL_FIELD_MAYBE ||
                       (field->kind == SL_FIELD_OBJECT && field->object->is_null);

    if (field->kind == SL_FIELD_VALUE || field->kind == SL_FIELD_REAL ||
        field->kind == SL_FIELD_COUNT)
        return read_measured(reader, field, object, &step, base);
    if (may_be_null && (!json || json_is_null(json)))
        return SL_OK; /* NULL, or not known, already */
    if (!json && field->late)
        return SL_OK; /* empty already */
    if (!json)
        return refuse(reader, &step, "the key is missing");
    return read_present(reader, field, json, &step, base);
}

static enum sl_status read_object(struct reader *reader, const struct sl_object *object,
                                  const json_t *json, const struct sl_locate_path *step, void *base)
{
    if (!json_is_object(json))
        return wrong_type(reader, step, "an object", json);
    for (size_t i = 0; i < object->n_fields; i++) {
        const struct sl_field *field = &object->fields[i];
        enum sl_status status = !field->key ? read_object(reader, field->object, json, step,
                                                          member(base, field->offset))
                                            : read_field(reader, field, json, step, base);
        if (status)
            return status;
    }
    const char *problem = object->check ? object->check(base) : NULL;
    return problem ? refuse(reader, step, "%s", problem) : SL_OK;
}

static enum sl_status
refuse_syntax(struct reader *reader, const struct sl_locate_text *text, json_error_t *error)
{
    size_t position = SL_MIN((size_t) SL_MAX(error->position, 0), text->size);
    unsigned line, column;

    /* The library calls some failed allocations "invalid token"; only errno tells them apart. */
    if (errno == ENOMEM)
        return no_memory(reader);
    sl_locate_position(text, position, &line, &column);
    sl_utf8_clean(error->text); /* it quotes the input, which may hold anything */
    return sl_fail_parse(reader->err, line, column, "%s:%u:%u: not a %s: %s", reader->name, line,
                         column, reader->layout->what, error->text);
}

/* What the library takes for a document, about; "{}," becomes eighty times as much. */
static uint64_t estimate_memory(const struct sl_locate_text *text)
{
    static const uint16_t costs[256] = {
        ['{'] = 208, ['['] = 112, [':'] = 32, [','] = 40, ['"'] = 24,
    };
    uint64_t bytes = text->size;
    bool in_string = false;

    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char) text->data[i];
        if (!in_string || c == '"')
            bytes += costs[c];
        in_string ^= c == '"';
        i += in_string && c == '\\';
    }
    return bytes;
}

enum sl_status sl_layout_read(const struct sl_layout *layout, const char *name,
                              const struct sl_locate_text *text, struct sl_arena *arena, void *base,
                              struct sl_error *err)
{
    struct reader reader = {.layout = layout, .arena = arena, .name = name, .err = err};
    const struct sl_locate_path root = {0};
    json_error_t error;

    if (estimate_memory(text) > MEMORY_LIMIT)
        return refuse(&reader, &root, "reading it would take more than %" PRIu64 " MiB of memory",
                      MEMORY_LIMIT >> 20);
    errno = 0;
    json_t *json = json_loadb(text->data, text->size, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return refuse_syntax(&reader, text, &error);
    enum sl_status status = read_present(&reader, &layout->root, json, &root, base);
    json_decref(json);
    return status;
}
