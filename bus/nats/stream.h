/* SPDX-License-Identifier: Apache-2.0 */
/* NATS JetStream as a transport: streams, consumers, opening and closing. */
#ifndef BUS_NATS_STREAM_H
#define BUS_NATS_STREAM_H

#include "bus/engine/transport.h"

extern const struct transport_ops jetstream_ops;

#endif
