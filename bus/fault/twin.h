/* SPDX-License-Identifier: Apache-2.0 */
/* A second fetcher of a topic, which takes from the same durable and queues with the same pool. */
#ifndef BUS_FAULT_TWIN_H
#define BUS_FAULT_TWIN_H

#include "bus/engine/internal.h"

/* It is started unless `start` is false. */
SL_CHECKED enum sl_status fault_twin_new(struct topic *topic, bool survives, bool start,
                                         struct topic **ret_twin, struct sl_error *err);

#endif
