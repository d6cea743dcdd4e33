/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes: valid ones, new ones, and which format is whose. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "bus/envelope/binary.h"
#include "bus/envelope/json.h"
#include "bus/envelope/rules.h"

/* Is there room for all that is read and written here? */
static bool has_room(const struct bus_envelope *envelope)
{
    return envelope && envelope->size >= sizeof *envelope;
}

enum sl_status bus_envelope_validate(const struct bus_envelope *envelope, struct sl_error *err)
{
    enum envelope_field field = 0;
    if (!has_room(envelope))
        return sl_fail(err, SL_EINVAL, "no envelope, or its size is not set");
    const char *rule = envelope_check(envelope, &field);
    if (rule)
        return sl_fail(err, SL_EINVAL, "invalid envelope: '%s' %s", envelope_field_name(field),
                       rule);
    return SL_OK;
}

enum sl_status bus_envelope_stamp(struct bus_envelope *envelope, struct sl_error *err)
{
    struct timespec now;
    struct bus_uuid id;

    if (!has_room(envelope))
        return sl_fail(err, SL_EINVAL, "no envelope, or its size is not set");
    enum sl_status status = bus_uuid7_make(&id, err);
    if (status)
        return status;
    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    envelope->event_id = id;
    envelope->timestamp_ns = sl_clock_of_timespec(&now);
    return SL_OK;
}

enum sl_status bus_envelope_encode(const struct bus_envelope *envelope,
                                   enum bus_envelope_format format, void **ret_data,
                                   size_t *ret_size, struct sl_error *err)
{
    if (!ret_data || !ret_size)
        return sl_fail(err, SL_EINVAL, "no place for an encoded envelope");
    enum sl_status status = bus_envelope_validate(envelope, err);
    if (status)
        return status;
    switch (format) {
    case BUS_ENVELOPE_JSON:
        return envelope_encode_json(envelope, ret_data, ret_size, err);
    case BUS_ENVELOPE_BINARY:
        return envelope_encode_binary(envelope, ret_data, ret_size, err);
    default:
        return sl_fail(err, SL_EINVAL, "no such envelope format %d", (int) format);
    }
}

enum sl_status bus_envelope_decode(const void *data, size_t size, struct bus_envelope *ret_envelope,
                                   struct sl_error *err)
{
    const unsigned char *bytes = data;
    if (!has_room(ret_envelope) || (!data && size > 0))
        return sl_fail(err, SL_EINVAL, "no bytes, or no place for a decoded envelope");
    if (size > 0 && bytes[0] == ENVELOPE_BINARY_FIRST)
        return envelope_decode_binary(data, size, ret_envelope, err);
    return envelope_decode_json(data, size, ret_envelope, err);
}

void bus_envelope_release(struct bus_envelope *envelope)
{
    free(envelope->storage);
    *envelope = (struct bus_envelope){.size = envelope->size};
}
