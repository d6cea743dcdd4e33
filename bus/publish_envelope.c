/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes as messages of a bus. */
#include <strandline/envelope.h>

#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "bus/engine/publish.h"

enum sl_status
bus_publish_envelope(struct bus *bus, const char *topic, const struct bus_envelope *envelope,
                     enum bus_envelope_format format, uint64_t token, struct sl_error *err)
{
    SL_AUTO_FREE void *data = NULL;
    char id[BUS_UUID_TEXT_SIZE];
    size_t size = 0;

    enum sl_status status = bus_envelope_encode(envelope, format, &data, &size, err);
    if (status)
        return status;
    bus_uuid_format(&envelope->event_id, id);
    struct sl_message message = {
        .topic = topic, .key = envelope->aggregate_id, .payload = data, .payload_size = size};
    return publish_message(bus, &message, id, (struct ticket){.token = token}, err);
}

enum sl_status bus_envelope_receive(const struct sl_message *message,
                                    struct bus_envelope *ret_envelope, struct sl_error *err)
{
    struct bus_envelope envelope = {.size = sizeof envelope};

    if (!message || !ret_envelope || ret_envelope->size < sizeof envelope)
        return sl_fail(err, SL_EINVAL, "no message, or no place for its envelope");
    enum sl_status status =
        bus_envelope_decode(message->payload, message->payload_size, &envelope, err);
    if (status)
        return status;
    if (!message->key || strcmp(message->key, envelope.aggregate_id) != 0) {
        status = sl_fail(err, SL_EPARSE,
                         "malformed envelope: 'aggregate_id' is not the key of its message");
        bus_envelope_release(&envelope);
        return status;
    }
    *ret_envelope = envelope;
    return SL_OK;
}
