/* SPDX-License-Identifier: Apache-2.0 */
/* Pools with their workers: one for a topic, or one for all. */
#ifndef BUS_ENGINE_POOL_WORKERS_H
#define BUS_ENGINE_POOL_WORKERS_H

#include "bus/engine/internal.h"

/*
 * One pool for a topic, workers "k<topic>-w0"...; one for all, workers "u-w0"...
 * They differ in the function at the bottom of their threads' stacks.
 *
 * @return SL_ELIMIT, SL_ENOMEM; everything made is joined and freed
 */
SL_CHECKED enum sl_status pool_new_keyed(struct bus *bus, size_t topic, uint32_t n_workers,
                                         uint32_t queue_capacity, struct pool **ret_pool,
                                         struct sl_error *err);
SL_CHECKED enum sl_status pool_new_unified(struct bus *bus, uint32_t n_workers,
                                           uint32_t queue_capacity, struct pool **ret_pool,
                                           struct sl_error *err);

#endif
