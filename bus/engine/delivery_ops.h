/* SPDX-License-Identifier: Apache-2.0 */
/* What fetchers and workers do with a message. */
#ifndef BUS_ENGINE_DELIVERY_OPS_H
#define BUS_ENGINE_DELIVERY_OPS_H

#include "bus/engine/internal.h"

/* Call the handler and count. */
enum sl_status delivery_handle(const struct delivery *delivery);
/* Both take deliveries of any topics and do nothing once the transport is closed. */
void delivery_ack(struct bus *bus, const struct delivery *deliveries, size_t n);
void delivery_give_back(struct bus *bus, const struct delivery *deliveries, size_t n,
                        uint64_t delay_ns);
/* Never to be delivered again. */
void delivery_terminate(struct bus *bus, const struct delivery *delivery);

#endif
