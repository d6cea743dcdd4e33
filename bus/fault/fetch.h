/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of fetching and queueing: hooks of the engine. */
#ifndef BUS_FAULT_FETCH_H
#define BUS_FAULT_FETCH_H

#include "bus/engine/internal.h"

enum sl_status fault_fetch(struct topic *topic, size_t *ret_n);
bool fault_wait_room(struct pool *pool, const struct delivery *delivery);
void fault_complete(struct bus *bus, const struct delivery *deliveries, size_t n);

#endif
