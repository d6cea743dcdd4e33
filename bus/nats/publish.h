/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing to JetStream. */
#ifndef BUS_NATS_PUBLISH_H
#define BUS_NATS_PUBLISH_H

#include "bus/nats/internal.h"

SL_CHECKED enum sl_status
jetstream_publish_start(struct jetstream_transport *transport, struct sl_error *err);
enum sl_status jetstream_publish(struct transport *transport, size_t topic,
                                 const struct sl_message *message, const char *id,
                                 struct ticket ticket, struct sl_error *err);
bool jetstream_wait_outcomes(struct transport *transport, uint64_t deadline_ns);
void jetstream_interrupt(struct transport *transport);
/* Settle the rest as unknown and join the thread.  @return how many were unknown */
uint64_t jetstream_publish_finish(struct jetstream_transport *transport, uint64_t deadline_ns);
void jetstream_publish_release(struct jetstream_transport *transport);

#endif
