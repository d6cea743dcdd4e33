/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/envelope/rules.h"

#include <string.h>

#include "base/utf8.h"
#include "bus/envelope/uuid7.h"

const char *envelope_field_name(enum envelope_field field)
{
    static const char *const names[] = {
#define X(number, name) [ENVELOPE_##number] = #name,
        ENVELOPE_FIELD_MAP(X)
#undef X
    };
    return names[field];
}

static const char *check_aggregate_id(const char *id)
{
    if (!id || !*id)
        return "is empty";
    size_t size = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_-./");
    if (id[size])
        return "has characters other than letters, digits and : _ - . /";
    return size > BUS_MAX_AGGREGATE_ID ? "is longer than 256 bytes" : NULL;
}

static const char *check_text(const char *text)
{
    bool blank = true;
    size_t size = text ? strnlen(text, BUS_MAX_ENVELOPE_TEXT + 1) : 0;

    if (size > BUS_MAX_ENVELOPE_TEXT)
        return "is longer than 256 bytes";
    for (size_t i = 0, length; i < size; i += length) {
        unsigned char byte = (unsigned char) text[i];
        if (byte < ' ' || byte == 0x7f)
            return "has control characters";
        length = utf8_length((const unsigned char *) text + i, size - i);
        if (length == 0)
            return "is no UTF-8";
        blank = blank && byte == ' ';
    }
    return blank ? "is blank" : NULL;
}

static const char *check_payload(const struct bus_envelope *envelope)
{
    if (!envelope->payload || envelope->payload_size == 0)
        return "is empty";
    return envelope->payload_size > BUS_MAX_PAYLOAD ? "is larger than 1 MiB" : NULL;
}

static const char *check_field(const struct bus_envelope *envelope, enum envelope_field field)
{
    switch (field) {
    case ENVELOPE_EVENT_ID:
        return uuid7_is(&envelope->event_id) ? NULL : "is no UUID of version 7";
    case ENVELOPE_AGGREGATE_ID:
        return check_aggregate_id(envelope->aggregate_id);
    case ENVELOPE_EVENT_TYPE:
        return check_text(envelope->event_type);
    case ENVELOPE_EVENT_VERSION:
        return envelope->event_version > 0 ? NULL : "is less than 1";
    case ENVELOPE_TIMESTAMP:
        return envelope->timestamp_ns > 0 ? NULL : "is not set";
    case ENVELOPE_TRACE_ID:
        return envelope->trace_id ? check_text(envelope->trace_id) : NULL;
    case ENVELOPE_CORRELATION_ID:
        return envelope->correlation_id ? check_text(envelope->correlation_id) : NULL;
    default:
        return check_payload(envelope);
    }
}

const char *envelope_check(const struct bus_envelope *envelope, enum envelope_field *ret_field)
{
    for (enum envelope_field field = 0; field < N_ENVELOPE_FIELDS; field++) {
        const char *rule = check_field(envelope, field);
        if (rule) {
            *ret_field = field;
            return rule;
        }
    }
    return NULL;
}
