/* SPDX-License-Identifier: Apache-2.0 */
/* Monitor: one thread per bus that keeps the broker from redelivering what the bus holds. */
#ifndef BUS_ENGINE_MONITOR_H
#define BUS_ENGINE_MONITOR_H

#include "bus/engine/internal.h"

SL_CHECKED enum sl_status monitor_start(struct bus *bus, struct sl_error *err);
void monitor_stop(struct bus *bus);

#endif
