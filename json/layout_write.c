/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: walks the layout and prints as it goes. */
#include "json/layout_write.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "base/value.h"

struct writer {
    const struct sl_layout *layout;
    FILE *out;
    unsigned depth;        /* nesting of the line being written */
    enum sl_status status; /* first failure that is not the stream's own */
    struct sl_error *err;
};

static void write_object(struct writer *writer, const struct sl_object *object, const void *base);

static const void *member(const void *base, size_t offset)
{
    return (const char *) base + offset;
}

/* Of OBJECT and POINTER. */
static const void *object_of(const struct sl_field *field, const void *base)
{
    const void *at = member(base, field->offset);
    return field->kind == SL_FIELD_POINTER ? *(const void *const *) at : at;
}

static void new_line(struct writer *writer)
{
    (void) fprintf(writer->out, "\n%*s", (int) (2 * writer->depth), "");
}

/* Nothing in it that JSON escapes, and nothing beyond ASCII: most texts, by far. */
static bool is_plain(const char *text)
{
    while (*text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\')
        text++;
    return !*text;
}

static void write_escape(FILE *out, uint32_t code)
{
    static const char letters[] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };

    if (code < sizeof letters && letters[code])
        (void) fprintf(out, "\\%c", letters[code]);
    else if (code < 0x10000)
        (void) fprintf(out, "\\u%04" PRIX32, code);
    else
        (void) fprintf(out, "\\u%04" PRIX32 "\\u%04" PRIX32, 0xd800 + ((code - 0x10000) >> 10),
                       0xdc00 + (code & 0x3ff));
}

/* Bytes that are not UTF-8 (thread names and paths may hold any) become question marks; what is
   not shown is escaped, so that a document can be looked at on a terminal. */
static void write_string(struct writer *writer, const char *text)
{
    FILE *out = writer->out;
    uint32_t code;
    bool printable;

    (void) fputc('"', out);
    if (is_plain(text)) {
        (void) fputs(text, out);
        text = "";
    }
    for (size_t length; (length = sl_utf8_next(text, &code, &printable)); text += length) {
        if (printable && code != '"' && code != '\\')
            (void) fwrite(text, 1, length, out);
        else if (!sl_utf8_length(text))
            (void) fputc('?', out);
        else
            write_escape(out, code);
    }
    (void) fputc('"', out);
}

/* An empty text says as little as none. */
static void write_text(struct writer *writer, const char *text)
{
    if (text && *text)
        write_string(writer, text);
    else
        (void) fputs("null", writer->out);
}

/* Shortest decimal form that reads back as the same number. */
static void write_real(struct writer *writer, double number)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void) snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    (void) fputs(text, writer->out);
}

/* Readers hold integers in 64 signed bits; what is larger cannot be a measured number. */
static void write_integer(struct writer *writer, const char *key, uint64_t number)
{
    if (number > INT64_MAX)
        writer->status = sl_fail(writer->err, SL_EINVAL, "'%s' is %" PRIu64 ", too large for a %s",
                                 key, number, writer->layout->what);
    (void) fprintf(writer->out, "%" PRIu64, number);
}

/* Why the number of a field is null; NULL: it is not, or the field is no measured number. */
static const char *missing_reason(const struct sl_field *field, const void *base)
{
    const void *at = member(base, field->offset);
    const struct sl_value *value = at;
    const struct sl_real *real = at;

    switch (field->kind) {
    case SL_FIELD_VALUE:
        if (value->missing)
            return value->missing;
        return value->value > INT64_MAX ? "the number is too large to be true" : NULL;
    case SL_FIELD_REAL:
        if (real->missing)
            return real->missing;
        return isfinite(real->value) ? NULL : "the number is not finite";
    case SL_FIELD_COUNT:
        return *(const char *const *) member(base, field->other);
    default:
        return NULL;
    }
}

/* LIST and NAMES: one element a line. */
static void write_list(struct writer *writer, const struct sl_field *field, const void *base)
{
    const char *elements = *(const char *const *) member(base, field->offset);
    size_t n = *(const size_t *) member(base, field->other);

    (void) fputc('[', writer->out);
    writer->depth++;
    for (size_t i = 0; i < n; i++) {
        if (i)
            (void) fputc(',', writer->out);
        new_line(writer);
        if (field->kind == SL_FIELD_LIST)
            write_object(writer, field->object, elements + i * field->size);
        else
            write_string(writer, ((const char *const *) (const void *) elements)[i]);
    }
    writer->depth--;
    if (n)
        new_line(writer);
    (void) fputc(']', writer->out);
}

/* IDS and NUMBERS: all on one line. */
static void write_numbers(struct writer *writer, const uint64_t *numbers, size_t n)
{
    (void) fputc('[', writer->out);
    for (size_t i = 0; i < n; i++)
        (void) fprintf(writer->out, "%s%" PRIu64, i ? ", " : "", numbers[i]);
    (void) fputc(']', writer->out);
}

/* A field without parts of its own. */
static void write_scalar(struct writer *writer, const struct sl_field *field, const void *at)
{
    switch (field->kind) {
    case SL_FIELD_SCHEMA:
        (void) fprintf(writer->out, "\"%s/%u\"", writer->layout->schema, writer->layout->major);
        break;
    case SL_FIELD_VALUE:
        write_integer(writer, field->key, ((const struct sl_value *) at)->value);
        break;
    case SL_FIELD_REAL:
        write_real(writer, ((const struct sl_real *) at)->value);
        break;
    case SL_FIELD_U64:
        write_integer(writer, field->key, *(const uint64_t *) at);
        break;
    case SL_FIELD_COUNT:
    case SL_FIELD_U32:
        (void) fprintf(writer->out, "%" PRIu32, *(const uint32_t *) at);
        break;
    case SL_FIELD_INT:
        (void) fprintf(writer->out, "%" PRId32, *(const int32_t *) at);
        break;
    case SL_FIELD_I64:
        (void) fprintf(writer->out, "%" PRId64, *(const int64_t *) at);
        break;
    case SL_FIELD_BOOL:
        (void) fputs(*(const bool *) at ? "true" : "false", writer->out);
        break;
    case SL_FIELD_MAYBE: {
        enum sl_maybe answer = *(const enum sl_maybe *) at;
        (void) fputs(answer == SL_MAYBE_YES  ? "true"
                     : answer == SL_MAYBE_NO ? "false"
                                             : "null",
                     writer->out);
        break;
    }
    case SL_FIELD_WORD:
        write_string(writer, field->words->text(*(const unsigned *) at));
        break;
    case SL_FIELD_CHARS:
        write_string(writer, at);
        break;
    case SL_FIELD_HEX:
        (void) fprintf(writer->out, "\"0x%" PRIx64 "\"", *(const uint64_t *) at);
        break;
    case SL_FIELD_DECIMAL:
        (void) fprintf(writer->out, "\"%" PRIu64 "\"", *(const uint64_t *) at);
        break;
    default:
        write_text(writer, *(const char *const *) at);
        break;
    }
}

static void write_field(struct writer *writer, const struct sl_field *field, const void *base)
{
    switch (field->kind) {
    case SL_FIELD_OBJECT:
    case SL_FIELD_POINTER:
        write_object(writer, field->object, object_of(field, base));
        break;
    case SL_FIELD_LIST:
    case SL_FIELD_NAMES:
        write_list(writer, field, base);
        break;
    case SL_FIELD_NUMBERS:
        write_numbers(writer, *(const uint64_t *const *) member(base, field->offset),
                      *(const size_t *) member(base, field->other));
        break;
    case SL_FIELD_IDS:
        write_numbers(writer, member(base, field->offset),
                      *(const uint32_t *) member(base, field->other));
        break;
    default:
        if (missing_reason(field, base))
            (void) fputs("null", writer->out);
        else
            write_scalar(writer, field, member(base, field->offset));
    }
}

/* An object while it is written. */
struct place {
    const struct sl_object *object; /* fields of others may stand among its own */
    bool any_field, any_reason;
};

static void next_field(struct writer *writer, struct place *place)
{
    if (place->any_field)
        (void) fputc(',', writer->out);
    if (!place->object->one_line)
        new_line(writer);
    else if (place->any_field)
        (void) fputc(' ', writer->out);
    place->any_field = true;
}

/* "missing": {KEY: REASON, ...} for the numbers that are null. */
static void write_missing(struct writer *writer, struct place *place,
                          const struct sl_object *object, const void *base)
{
    for (size_t i = 0; i < object->n_fields; i++) {
        const struct sl_field *field = &object->fields[i];
        if (!field->key) {
            write_missing(writer, place, field->object, object_of(field, base));
            continue;
        }
        const char *reason = missing_reason(field, base);
        if (!reason || !*reason)
            continue;
        if (!place->any_reason) {
            next_field(writer, place);
            (void) fputs("\"missing\": {", writer->out);
        }
        (void) fprintf(writer->out, "%s\"%s\": ", place->any_reason ? ", " : "", field->key);
        write_string(writer, reason);
        place->any_reason = true;
    }
}

static void write_fields(struct writer *writer, struct place *place, const struct sl_object *object,
                         const void *base)
{
    for (size_t i = 0; i < object->n_fields; i++) {
        const struct sl_field *field = &object->fields[i];
        if (!field->key) {
            write_fields(writer, place, field->object, object_of(field, base));
            continue;
        }
        next_field(writer, place);
        (void) fprintf(writer->out, "\"%s\": ", field->key);
        write_field(writer, field, base);
    }
}

static void write_object(struct writer *writer, const struct sl_object *object, const void *base)
{
    struct place place = {.object = object};

    if (!base || (object->is_null && object->is_null(base))) {
        (void) fputs("null", writer->out);
        return;
    }
    (void) fputc('{', writer->out);
    writer->depth++;
    write_fields(writer, &place, object, base);
    write_missing(writer, &place, object, base);
    if (place.any_reason)
        (void) fputc('}', writer->out);
    writer->depth--;
    if (!object->one_line)
        new_line(writer);
    (void) fputc('}', writer->out);
}

enum sl_status
sl_layout_print(const struct sl_layout *layout, const void *base, FILE *out, struct sl_error *err)
{
    struct writer writer = {.layout = layout, .out = out, .err = err};

    errno = 0;
    write_field(&writer, &layout->root, base);
    (void) fputc('\n', out);
    if (fflush(out) != 0 || ferror(out)) {
        if (errno == 0) /* the stream had failed before */
            errno = EIO;
        return sl_fail_errno(err, "cannot write the %s", layout->what);
    }
    return writer.status;
}
