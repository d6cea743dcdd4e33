/* SPDX-License-Identifier: Apache-2.0 */
/* JetStream transport: its connection, and how the client library's threads are scheduled. */
#ifndef BUS_NATS_CONNECT_H
#define BUS_NATS_CONNECT_H

#include <strandline/error.h>

#include "bus/engine/transport.h"
#include "nats/library.h"

/*
 * With the bus's options, to one of the servers of a transport's configuration.
 *
 * @return SL_EINVAL, SL_ENOMEM, SL_ECONNECT
 */
SL_CHECKED enum sl_status jetstream_connect(const struct transport_config *config,
                                            natsConnection **ret_connection, struct sl_error *err);

uint64_t jetstream_count_reconnects(natsConnection *connection);

#endif
