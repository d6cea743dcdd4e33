/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetcher: one thread per topic that takes messages from the broker and queues
 * them with their workers or, in direct mode, handles them itself.
 */
#ifndef BUS_ENGINE_FETCHER_H
#define BUS_ENGINE_FETCHER_H

#include "bus/engine/internal.h"

SL_CHECKED enum sl_status fetcher_start(struct topic *topic, struct sl_error *err);
void fetcher_stop(struct topic *topic);
/* What a fetcher does until it is stopped; argument is the topic. */
void fetcher_main(void *argument);
/* Fill the topic's batch; SL_ECLOSED once the transport is closed. */
enum sl_status fetcher_fetch(struct topic *topic, size_t max, size_t *ret_n);

#endif
