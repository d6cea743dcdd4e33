/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of opening and subscribing.  What is made stays for Close. */
#ifndef BUS_FAULT_OPEN_H
#define BUS_FAULT_OPEN_H

#include "bus/engine/internal.h"

#define FAULTS_OF_OPENING                                                                          \
    (FAULT_BIT(FAULT_HELPER_THREAD_PER_BUS) | FAULT_BIT(FAULT_START_SELF_DEADLOCK))
#define FAULTS_OF_SUBSCRIBING                                                                      \
    (FAULT_BIT(FAULT_IDLE_DOUBLE_POOL) | FAULT_BIT(FAULT_SHARED_DURABLE) |                         \
     FAULT_BIT(FAULT_LATE_REGISTRATION))

/* At the end of bus_open and of bus_subscribe. */
SL_CHECKED enum sl_status fault_open(struct bus *bus, struct sl_error *err);
SL_CHECKED enum sl_status fault_subscribe(struct topic *topic, struct sl_error *err);

/*
 * A second fetcher of a topic, which takes from the same durable and queues with the same pool.  It
 * is started unless `start` is false.
 */
SL_CHECKED enum sl_status fault_twin_new(struct topic *topic, bool survives, bool start,
                                         struct topic **ret_twin, struct sl_error *err);

#endif
