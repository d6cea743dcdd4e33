/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pool: workers with a queue each.  A key belongs to one worker, so that its
 * messages are handled one at a time and in order; messages without a key go round.
 *
 * A fetcher submits, a worker handles and acknowledges in batches.  There is no
 * thread between them.
 */
#ifndef BUS_ENGINE_POOL_H
#define BUS_ENGINE_POOL_H

#include "bus/engine/internal.h"

/* Its workers are not started. */
SL_CHECKED enum sl_status pool_new(struct bus *bus, uint32_t n_workers, uint32_t queue_capacity,
                                   struct pool **ret_pool, struct sl_error *err);

/* Every worker was joined: their stacks go. */
void pool_joined(struct pool *pool);

/* No further delivery is taken; workers handle what is queued and end. */
void pool_end(struct pool *pool);

/* Workers end after the message they are in; what is queued stays there. */
void pool_abort(struct pool *pool);

/* Give back what is left in the queues of an aborted pool. */
void pool_give_back(struct pool *pool);

/* End and join idle workers, then free: for a pool that never got a delivery. */
void pool_undo(struct pool *pool);

/* When every worker was joined.  NULL is allowed. */
void pool_free(struct pool *pool);

/* The worker a delivery belongs to. */
uint32_t pool_route(struct pool *pool, const struct delivery *delivery);

/*
 * Queue as much of a batch as there is room for; the rest moves to the front of
 * the batch, in order.
 *
 * @return how many are left
 */
size_t pool_submit(struct pool *pool, struct pool_router *router, struct delivery *batch, size_t n);

/* Wait until the worker of a delivery has room.  @return false at until_ns or when it takes nothing
 */
bool pool_wait_room(struct pool *pool, const struct delivery *delivery, uint64_t until_ns);

/* @param max_batch at most 65535.  @return false when memory is short */
bool pool_router_init(struct pool_router *router, uint32_t n_workers, size_t max_batch);
void pool_router_release(struct pool_router *router);

/*
 * Of an ended pool: wake the next worker that waits.  Each worker does so when it ends.  Thousands
 * that are woken at once queue up where they ran last, while other processors have nothing to do.
 */
void pool_wake_next(struct pool *pool);

#endif
