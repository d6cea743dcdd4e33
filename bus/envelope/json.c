/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON format of envelopes: one object.
 *
 *     {"event_id":"0199d...","aggregate_id":"order-7","event_type":"OrderPlaced",
 *      "event_version":1,"timestamp":"2025-10-13T08:15:30.5Z","trace_id":"...",
 *      "correlation_id":"...","payload":{"total":12}}
 *
 * A payload that is one JSON value, with no blanks around it, stands there as it is,
 * and a reader hands out those very bytes.  Any other is base64 text, and the member
 * "payload_encoding" is "base64".  Members of other names are ignored.
 *
 * Extents come from json_text.  The library for JSON gets single strings and numbers to
 * decode, never anything nested, which it would take apart recursively.
 */
#include "bus/envelope/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/macros.h"
#include "bus/envelope/base64.h"
#include "bus/envelope/json_text.h"
#include "bus/envelope/rules.h"
#include "bus/envelope/timestamp.h"

/* Members are numbered as fields are, and one more. */
#define PAYLOAD_ENCODING N_ENVELOPE_FIELDS
#define N_MEMBERS        (N_ENVELOPE_FIELDS + 1)

static const char *member_name(unsigned member)
{
    return member == PAYLOAD_ENCODING ? "payload_encoding" : envelope_field_name(member);
}

static bool is_json(const void *data, size_t size)
{
    struct json_text text = {.data = data, .size = size};
    return json_text_skip_value(&text) && text.at == size;
}

/* Valid texts need no escapes but these two. */
static char *put_string(char *at, const char *name, const char *text)
{
    at += sprintf(at, ",\"%s\":\"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        *at++ = *text;
    }
    *at++ = '"';
    return at;
}

static char *put_payload(char *at, const struct bus_envelope *envelope, bool embed)
{
    if (embed) {
        at = stpcpy(at, ",\"payload\":");
        memcpy(at, envelope->payload, envelope->payload_size);
        at += envelope->payload_size;
    } else {
        at = stpcpy(at, ",\"payload_encoding\":\"base64\",\"payload\":\"");
        base64_encode(envelope->payload, envelope->payload_size, at);
        at += BASE64_SIZE(envelope->payload_size);
        *at++ = '"';
    }
    *at++ = '}';
    return at;
}

enum sl_status envelope_encode_json(const struct bus_envelope *envelope, void **ret_data,
                                    size_t *ret_size, struct sl_error *err)
{
    char id[BUS_UUID_TEXT_SIZE], timestamp[TIMESTAMP_SIZE];
    bool embed = is_json(envelope->payload, envelope->payload_size);
    const char *texts[] = {
        [ENVELOPE_AGGREGATE_ID] = envelope->aggregate_id,
        [ENVELOPE_EVENT_TYPE] = envelope->event_type,
        [ENVELOPE_TRACE_ID] = envelope->trace_id,
        [ENVELOPE_CORRELATION_ID] = envelope->correlation_id,
    };

    bus_uuid_format(&envelope->event_id, id);
    timestamp_format(envelope->timestamp_ns, timestamp);
    /* Names, punctuation, the fields of a known size, and each byte of a text escaped. */
    size_t room = 384 + (embed ? envelope->payload_size : BASE64_SIZE(envelope->payload_size));
    for (size_t i = 0; i < SL_COUNT_OF(texts); i++)
        room += texts[i] ? 2 * strlen(texts[i]) : 0;
    char *data = malloc(room);
    if (!data)
        return sl_fail(err, SL_ENOMEM, "out of memory for an envelope of %zu bytes", room);
    char *at = put_string(data, "event_id", id);
    at = put_string(at, "aggregate_id", envelope->aggregate_id);
    at = put_string(at, "event_type", envelope->event_type);
    at += sprintf(at, ",\"event_version\":%lld", (long long) envelope->event_version);
    at = put_string(at, "timestamp", timestamp);
    if (envelope->trace_id)
        at = put_string(at, "trace_id", envelope->trace_id);
    if (envelope->correlation_id)
        at = put_string(at, "correlation_id", envelope->correlation_id);
    at = put_payload(at, envelope, embed);
    data[0] = '{'; /* over the comma that every member begins with */
    *ret_data = data;
    *ret_size = (size_t) (at - data);
    return SL_OK;
}

/* Where the value of a member stands; size 0: nowhere. */
struct extent {
    size_t start, size;
};

struct reader {
    struct json_text text;
    struct extent members[N_MEMBERS];
    char *free; /* room for decoded texts, which are never longer than what they stand in */
    struct sl_error *err;
};

/* Malformed at an offset, which err gets as line and column too.  @return SL_EPARSE */
static enum sl_status flaw_at(const struct reader *reader, size_t offset, const char *format, ...)
    SL_PRINTF(3, 4);
static enum sl_status flaw_at(const struct reader *reader, size_t offset, const char *format, ...)
{
    char what[160];
    unsigned line = 1;
    size_t line_start = 0;
    va_list args;

    va_start(args, format);
    (void) vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (size_t i = 0; i < offset; i++) {
        if (reader->text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return sl_fail_parse(reader->err, line, (unsigned) (offset - line_start) + 1,
                         "malformed envelope: %s at byte %zu", what, offset);
}

static enum sl_status flaw_in(const struct reader *reader, unsigned member, const char *what)
{
    return flaw_at(reader, reader->members[member].start, "'$.%s' %s", member_name(member), what);
}

/*
 * A string or number.  After some failed allocations the library calls the text malformed, after
 * others it leaves the rest of it out; errno tells them apart.
 *
 * @param ret_json  NULL: it is malformed
 * @return SL_ENOMEM
 */
static enum sl_status
decode_scalar(const struct reader *reader, struct extent extent, json_t **ret_json)
{
    errno = 0;
    *ret_json = json_loadb(reader->text.data + extent.start, extent.size, JSON_DECODE_ANY, NULL);
    if (errno != ENOMEM)
        return SL_OK;
    json_decref(*ret_json);
    return sl_fail(reader->err, SL_ENOMEM, "out of memory for an envelope");
}

/* The member that a name, with its quotes, is of; N_MEMBERS: of none that is known here. */
static enum sl_status
find_member(const struct reader *reader, struct extent quoted, unsigned *ret_member)
{
    const char *name = reader->text.data + quoted.start + 1;
    size_t size = quoted.size - 2;
    json_t *decoded = NULL;

    if (memchr(name, '\\', size)) {
        enum sl_status status = decode_scalar(reader, quoted, &decoded);
        if (status)
            return status;
        name = decoded ? json_string_value(decoded) : "";
        size = strlen(name);
    }
    unsigned member = 0;
    while (member < N_MEMBERS &&
           (strlen(member_name(member)) != size || memcmp(member_name(member), name, size) != 0))
        member++;
    json_decref(decoded);
    *ret_member = member;
    return SL_OK;
}

/* `"name": value`, with blanks in front of each part. */
static enum sl_status find_value(struct reader *reader)
{
    struct json_text *text = &reader->text;
    json_text_skip_blanks(text);
    struct extent name = {.start = text->at}, value;
    if (!json_text_skip_string(text))
        return flaw_at(reader, text->at, "%s", text->flaw);
    name.size = text->at - name.start;
    json_text_skip_blanks(text);
    if (!json_text_take(text, ':'))
        return flaw_at(reader, text->at, "a colon is expected");
    json_text_skip_blanks(text);
    value.start = text->at;
    if (!json_text_skip_value(text))
        return flaw_at(reader, text->at, "%s", text->flaw);
    value.size = text->at - value.start;

    unsigned member = N_MEMBERS;
    enum sl_status status = find_member(reader, name, &member);
    if (status || member == N_MEMBERS)
        return status;
    if (reader->members[member].size > 0)
        return flaw_at(reader, name.start, "'$.%s' is there twice", member_name(member));
    reader->members[member] = value;
    return SL_OK;
}

static enum sl_status find_values(struct reader *reader)
{
    struct json_text *text = &reader->text;
    json_text_skip_blanks(text);
    if (!json_text_take(text, '{'))
        return flaw_at(reader, text->at, "neither a JSON object nor the binary format");
    json_text_skip_blanks(text);
    if (!json_text_take(text, '}')) {
        do {
            enum sl_status status = find_value(reader);
            if (status)
                return status;
            json_text_skip_blanks(text);
        } while (json_text_take(text, ','));
        if (!json_text_take(text, '}'))
            return flaw_at(reader, text->at, "a comma or '}' is expected");
    }
    json_text_skip_blanks(text);
    if (text->at < text->size)
        return flaw_at(reader, text->at, "something follows the object");
    return SL_OK;
}

static bool is_null(const struct reader *reader, unsigned member)
{
    struct extent extent = reader->members[member];
    return extent.size == 0 || reader->text.data[extent.start] == 'n';
}

static enum sl_status missing(const struct reader *reader, unsigned member)
{
    return flaw_at(reader, reader->text.at, "'$.%s' is missing in the object that ends",
                   member_name(member));
}

/* The text of a member, decoded, in the reader's room. */
static enum sl_status
read_text(struct reader *reader, unsigned member, char **ret_text, size_t *ret_size)
{
    struct extent extent = reader->members[member];
    if (extent.size == 0)
        return missing(reader, member);
    if (reader->text.data[extent.start] != '"')
        return flaw_in(reader, member, "is no string");
    json_t *text = NULL;
    enum sl_status status = decode_scalar(reader, extent, &text);
    if (status)
        return status;
    if (!text)
        return flaw_in(reader, member, "has an escape that stands for no character");
    *ret_size = json_string_length(text);
    *ret_text = memcpy(reader->free, json_string_value(text), *ret_size + 1);
    reader->free += *ret_size + 1;
    json_decref(text);
    return SL_OK;
}

static enum sl_status read_event_id(struct reader *reader, struct bus_envelope *envelope)
{
    char *text = NULL;
    size_t size = 0;
    enum sl_status status = read_text(reader, ENVELOPE_EVENT_ID, &text, &size);
    if (!status && bus_uuid_parse(text, &envelope->event_id, NULL))
        status = flaw_in(reader, ENVELOPE_EVENT_ID, "is no UUID");
    return status;
}

static enum sl_status read_event_version(struct reader *reader, struct bus_envelope *envelope)
{
    struct extent extent = reader->members[ENVELOPE_EVENT_VERSION];
    if (extent.size == 0)
        return missing(reader, ENVELOPE_EVENT_VERSION);
    char first = reader->text.data[extent.start];
    json_t *number = NULL;
    if (first == '-' || (first >= '0' && first <= '9')) {
        enum sl_status status = decode_scalar(reader, extent, &number);
        if (status)
            return status;
    }
    bool fits = json_is_integer(number);
    if (fits)
        envelope->event_version = json_integer_value(number);
    json_decref(number);
    return fits ? SL_OK : flaw_in(reader, ENVELOPE_EVENT_VERSION, "is no integer of 64 bits");
}

static enum sl_status read_timestamp(struct reader *reader, struct bus_envelope *envelope)
{
    char *text = NULL;
    size_t size = 0;
    enum sl_status status = read_text(reader, ENVELOPE_TIMESTAMP, &text, &size);
    if (status)
        return status;
    const char *what = timestamp_parse(text, &envelope->timestamp_ns);
    return what ? flaw_in(reader, ENVELOPE_TIMESTAMP, what) : SL_OK;
}

static enum sl_status read_required(struct reader *reader, unsigned member, const char **ret_text)
{
    char *text = NULL;
    size_t size = 0;
    enum sl_status status = read_text(reader, member, &text, &size);
    *ret_text = text;
    return status;
}

static enum sl_status read_optional(struct reader *reader, unsigned member, const char **ret_text)
{
    return is_null(reader, member) ? SL_OK : read_required(reader, member, ret_text);
}

static enum sl_status read_base64(struct reader *reader, struct bus_envelope *envelope)
{
    const char *encoding = NULL;
    char *text = NULL;
    size_t size = 0;

    enum sl_status status = read_required(reader, PAYLOAD_ENCODING, &encoding);
    if (!status && strcmp(encoding, "base64") != 0)
        status = flaw_in(reader, PAYLOAD_ENCODING, "is not 'base64'");
    if (!status)
        status = read_text(reader, ENVELOPE_PAYLOAD, &text, &size);
    if (status)
        return status;
    envelope->payload = text;
    if (!base64_decode(text, size, text, &envelope->payload_size))
        return flaw_in(reader, ENVELOPE_PAYLOAD, "is no base64");
    return SL_OK;
}

static enum sl_status read_payload(struct reader *reader, struct bus_envelope *envelope)
{
    struct extent extent = reader->members[ENVELOPE_PAYLOAD];
    if (!is_null(reader, PAYLOAD_ENCODING))
        return read_base64(reader, envelope);
    if (extent.size == 0)
        return missing(reader, ENVELOPE_PAYLOAD);
    envelope->payload = reader->text.data + extent.start;
    envelope->payload_size = extent.size;
    return SL_OK;
}

static enum sl_status read_fields(struct reader *reader, struct bus_envelope *envelope)
{
    enum envelope_field field = 0;

    enum sl_status status = read_event_id(reader, envelope);
    if (!status)
        status = read_required(reader, ENVELOPE_AGGREGATE_ID, &envelope->aggregate_id);
    if (!status)
        status = read_required(reader, ENVELOPE_EVENT_TYPE, &envelope->event_type);
    if (!status)
        status = read_event_version(reader, envelope);
    if (!status)
        status = read_timestamp(reader, envelope);
    if (!status)
        status = read_optional(reader, ENVELOPE_TRACE_ID, &envelope->trace_id);
    if (!status)
        status = read_optional(reader, ENVELOPE_CORRELATION_ID, &envelope->correlation_id);
    if (!status)
        status = read_payload(reader, envelope);
    if (status)
        return status;
    const char *rule = envelope_check(envelope, &field);
    return rule ? flaw_in(reader, field, rule) : SL_OK;
}

enum sl_status envelope_decode_json(const void *data, size_t size,
                                    struct bus_envelope *ret_envelope, struct sl_error *err)
{
    struct reader reader = {.text = {.data = data, .size = size}, .err = err};
    struct bus_envelope envelope = {.size = sizeof envelope};

    enum sl_status status = find_values(&reader);
    if (status)
        return status;
    size_t room = 1;
    for (unsigned member = 0; member < N_MEMBERS; member++) {
        if (member != ENVELOPE_PAYLOAD || !is_null(&reader, PAYLOAD_ENCODING))
            room += reader.members[member].size;
    }
    SL_AUTO_FREE char *storage = malloc(room);
    if (!storage)
        return sl_fail(err, SL_ENOMEM, "out of memory for an envelope of %zu bytes", room);
    reader.free = storage;
    status = read_fields(&reader, &envelope);
    if (status)
        return status;
    envelope.storage = SL_TAKE(storage);
    *ret_envelope = envelope;
    return SL_OK;
}
