/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/nats/fault.h"

#include <stdio.h>

#include "bus/nats/error.h"

bool jetstream_is_downgraded(const struct jetstream_transport *transport, size_t topic)
{
    return fault_covers(&transport->config.fault_rules[FAULT_SILENT_DOWNGRADE],
                        transport->config.topics[topic]);
}

const char *jetstream_fault_subject(const struct jetstream_transport *transport, size_t topic,
                                    char ret_subject[JETSTREAM_FAULT_SUBJECT])
{
    (void) snprintf(ret_subject, JETSTREAM_FAULT_SUBJECT, "%s.not-ensured",
                    transport->streams[topic]);
    return ret_subject;
}

enum sl_status jetstream_fault_publish(struct jetstream_transport *transport, size_t topic,
                                       const struct sl_message *message, struct ticket ticket,
                                       struct sl_error *err)
{
    natsStatus status = natsConnection_Publish(transport->connection, transport->subjects[topic],
                                               message->payload, (int) message->payload_size);
    if (status)
        return jetstream_fail(err, status, "cannot publish to '%s'", message->topic);
    transport->config.on_outcome(transport->config.user, ticket, SL_PUBLISH_ACCEPTED);
    return SL_OK;
}
