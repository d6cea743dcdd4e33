/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary format of envelopes.  Numbers are in network byte order.
 *
 *     bytes  what
 *     4      89 42 45 56: 0x89 "BEV"
 *     1      version, 1
 *     16     event_id
 *     2+n+1  aggregate_id: n, n bytes, a zero byte
 *     2+n+1  event_type
 *     8      event_version
 *     8      timestamp: nanoseconds since 1970 UTC
 *     2+n+1  trace_id; n = 0: none
 *     2+n+1  correlation_id; n = 0: none
 *     4+n    payload: n, n bytes
 *
 * Readers ignore what follows the payload, so that fields can be added there without a
 * new version.  The zero bytes let a reader use texts where they lie.
 */
#include "bus/envelope/binary.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "bus/envelope/rules.h"

#define VERSION 1

static const unsigned char magic[] = {ENVELOPE_BINARY_FIRST, 'B', 'E', 'V'};

static void put_bytes(unsigned char **at, const void *bytes, size_t size)
{
    memcpy(*at, bytes, size);
    *at += size;
}

static void put_u64(unsigned char **at, uint64_t number)
{
    uint64_t wire = htobe64(number);
    put_bytes(at, &wire, sizeof wire);
}

static size_t text_size(const char *text)
{
    return sizeof(uint16_t) + (text ? strlen(text) : 0) + 1;
}

static void put_text(unsigned char **at, const char *text)
{
    uint16_t size = text ? (uint16_t) strlen(text) : 0;
    uint16_t wire = htobe16(size);
    put_bytes(at, &wire, sizeof wire);
    put_bytes(at, text ? text : "", (size_t) size + 1);
}

enum sl_status envelope_encode_binary(const struct bus_envelope *envelope, void **ret_data,
                                      size_t *ret_size, struct sl_error *err)
{
    uint32_t payload_size = htobe32((uint32_t) envelope->payload_size);
    size_t size = sizeof magic + 1 + sizeof envelope->event_id + text_size(envelope->aggregate_id) +
                  text_size(envelope->event_type) + 2 * sizeof(uint64_t) +
                  text_size(envelope->trace_id) + text_size(envelope->correlation_id) +
                  sizeof payload_size + envelope->payload_size;
    unsigned char *data = malloc(size), *at = data;
    if (!data)
        return sl_fail(err, SL_ENOMEM, "out of memory for an envelope of %zu bytes", size);
    put_bytes(&at, magic, sizeof magic);
    *at++ = VERSION;
    put_bytes(&at, &envelope->event_id, sizeof envelope->event_id);
    put_text(&at, envelope->aggregate_id);
    put_text(&at, envelope->event_type);
    put_u64(&at, (uint64_t) envelope->event_version);
    put_u64(&at, envelope->timestamp_ns);
    put_text(&at, envelope->trace_id);
    put_text(&at, envelope->correlation_id);
    put_bytes(&at, &payload_size, sizeof payload_size);
    put_bytes(&at, envelope->payload, envelope->payload_size);
    *ret_data = data;
    *ret_size = size;
    return SL_OK;
}

struct reader {
    const unsigned char *data;
    size_t size, at;
    enum envelope_field field;       /* that is being read */
    size_t start[N_ENVELOPE_FIELDS]; /* offset of each */
    struct sl_error *err;
};

static enum sl_status flaw(const struct reader *reader, enum envelope_field field, const char *text)
{
    return sl_fail(reader->err, SL_EPARSE, "malformed envelope: '%s' at byte %zu %s",
                   envelope_field_name(field), reader->start[field], text);
}

/* The next bytes, which belong to the field that is being read. */
static enum sl_status take(struct reader *reader, size_t size, const void **ret_bytes)
{
    if (size > reader->size - reader->at)
        return sl_fail(reader->err, SL_EPARSE,
                       "malformed envelope: '%s' at byte %zu goes beyond the end at byte %zu",
                       envelope_field_name(reader->field), reader->start[reader->field],
                       reader->size);
    *ret_bytes = reader->data + reader->at;
    reader->at += size;
    return SL_OK;
}

/* The bytes that a field begins with, or is. */
static enum sl_status
take_first(struct reader *reader, enum envelope_field field, void *ret, size_t size)
{
    const void *bytes = NULL;
    reader->field = field;
    reader->start[field] = reader->at;
    enum sl_status status = take(reader, size, &bytes);
    if (!status)
        memcpy(ret, bytes, size);
    return status;
}

static enum sl_status take_u64(struct reader *reader, enum envelope_field field, uint64_t *ret)
{
    enum sl_status status = take_first(reader, field, ret, sizeof *ret);
    *ret = be64toh(*ret);
    return status;
}

static enum sl_status
take_text(struct reader *reader, enum envelope_field field, const char **ret_text)
{
    const void *bytes = NULL;
    uint16_t length = 0;

    enum sl_status status = take_first(reader, field, &length, sizeof length);
    length = be16toh(length);
    if (!status)
        status = take(reader, (size_t) length + 1, &bytes);
    if (status)
        return status;
    if (strnlen(bytes, (size_t) length + 1) != length)
        return flaw(reader, field, "does not have its zero byte at its end");
    *ret_text = bytes;
    return SL_OK;
}

static enum sl_status
take_optional(struct reader *reader, enum envelope_field field, const char **ret_text)
{
    enum sl_status status = take_text(reader, field, ret_text);
    if (!status && !**ret_text)
        *ret_text = NULL;
    return status;
}

static enum sl_status take_payload(struct reader *reader, struct bus_envelope *envelope)
{
    uint32_t size = 0;

    enum sl_status status = take_first(reader, ENVELOPE_PAYLOAD, &size, sizeof size);
    envelope->payload_size = be32toh(size);
    return status ? status : take(reader, envelope->payload_size, &envelope->payload);
}

static enum sl_status take_head(struct reader *reader, struct bus_envelope *envelope)
{
    if (reader->size <= sizeof magic || memcmp(reader->data, magic, sizeof magic) != 0)
        return sl_fail(reader->err, SL_EPARSE,
                       "malformed envelope: no mark of the binary format at byte 0");
    if (reader->data[sizeof magic] != VERSION)
        return sl_fail(reader->err, SL_EPARSE,
                       "malformed envelope: version %u of the binary format at byte %zu, not %u",
                       reader->data[sizeof magic], sizeof magic, VERSION);
    reader->at = sizeof magic + 1;
    return take_first(reader, ENVELOPE_EVENT_ID, &envelope->event_id, sizeof envelope->event_id);
}

enum sl_status envelope_decode_binary(const void *data, size_t size,
                                      struct bus_envelope *ret_envelope, struct sl_error *err)
{
    struct reader reader = {.data = data, .size = size, .err = err};
    struct bus_envelope envelope = {.size = sizeof envelope};
    enum envelope_field field = 0;
    uint64_t version = 0;

    enum sl_status status = take_head(&reader, &envelope);
    if (!status)
        status = take_text(&reader, ENVELOPE_AGGREGATE_ID, &envelope.aggregate_id);
    if (!status)
        status = take_text(&reader, ENVELOPE_EVENT_TYPE, &envelope.event_type);
    if (!status)
        status = take_u64(&reader, ENVELOPE_EVENT_VERSION, &version);
    if (!status)
        status = take_u64(&reader, ENVELOPE_TIMESTAMP, &envelope.timestamp_ns);
    if (!status)
        status = take_optional(&reader, ENVELOPE_TRACE_ID, &envelope.trace_id);
    if (!status)
        status = take_optional(&reader, ENVELOPE_CORRELATION_ID, &envelope.correlation_id);
    if (!status)
        status = take_payload(&reader, &envelope);
    if (status)
        return status;
    envelope.event_version = (int64_t) version; /* as it was written, in two's complement */
    const char *rule = envelope_check(&envelope, &field);
    if (rule)
        return flaw(&reader, field, rule);
    *ret_envelope = envelope;
    return SL_OK;
}
