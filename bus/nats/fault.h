/* SPDX-License-Identifier: Apache-2.0 */
/* JetStream transport: silent-downgrade. */
#ifndef BUS_NATS_FAULT_H
#define BUS_NATS_FAULT_H

#include "bus/nats/internal.h"

/* Is the topic published without its stream? */
#define JETSTREAM_FAULT_SUBJECT 640
bool jetstream_is_downgraded(const struct jetstream_transport *transport, size_t topic);
/* What such a stream gets for the subject of its topic. */
const char *jetstream_fault_subject(const struct jetstream_transport *transport, size_t topic,
                                    char ret_subject[JETSTREAM_FAULT_SUBJECT]);
enum sl_status jetstream_fault_publish(struct jetstream_transport *transport, size_t topic,
                                       const struct sl_message *message, struct ticket ticket,
                                       struct sl_error *err);

#endif
