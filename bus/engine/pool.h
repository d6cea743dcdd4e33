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

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "bus/engine/hold.h"
#include "bus/engine/queue.h"
#include "bus/thread/ledger.h"
#include "bus/thread/stacks.h"

struct bus;

struct worker {
    struct queue queue;
    struct hold hold; /* the worker's own thread only */
    struct pool *pool;
    struct thread thread;
};

struct pool {
    struct bus *bus;
    struct worker *workers;
    uint32_t n_workers;
    struct stacks stacks;     /* of the workers */
    atomic_uint round;        /* next worker for a message without a key */
    atomic_bool aborted;      /* workers leave after the message they handle */
    atomic_uint next_to_wake; /* of an ended pool: index of a worker */
};

/* Work space of one submitting thread. */
struct pool_router {
    uint16_t *first;   /* per worker: its first delivery of the batch; NO_DELIVERY between calls */
    uint16_t *next;    /* per delivery: the next one of the same worker */
    uint32_t *touched; /* workers that get something */
    bool *pushed;      /* per delivery */
    const struct delivery **gathered;
};

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

/* For the two above: allocate, then start one worker after another. */
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

/* @param max_batch at most 65535.  @return false when memory is short; release in any case */
bool pool_router_init(struct pool_router *router, uint32_t n_workers, size_t max_batch);
void pool_router_release(struct pool_router *router);

/*
 * Of an ended pool: wake the next worker that waits.  Each worker does so when it ends.  Thousands
 * that are woken at once queue up where they ran last, while other processors have nothing to do.
 */
void pool_wake_next(struct pool *pool);

/* Handle deliveries until the queue ends.  On the stack of every worker. */
void worker_loop(struct worker *worker);

#endif
