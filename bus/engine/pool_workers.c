/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/pool_workers.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bus/engine/dead.h"
#include "bus/engine/delivery_ops.h"
#include "bus/engine/pool.h"

/* Deliveries taken from the queue under one lock. */
#define WORKER_BATCH 32u

/* A handled message waits at most this long, and one handler call, for its acknowledgement. */
#define ACK_DELAY_NS SL_NS_PER_MS

/*
 * Handled and not acknowledged.  They are kept at the front of the batch that is
 * being handled, so that the frame of a parked worker stays small.
 */
struct acks {
    struct delivery *done;
    size_t n;
    uint64_t since_ns; /* when the first of them was handled */
};

static void flush_acks(struct bus *bus, struct acks *acks)
{
    if (acks->n > 0)
        delivery_ack(bus, acks->done, acks->n);
    acks->n = 0;
}

static void add_ack(struct bus *bus, struct acks *acks, const struct delivery *delivery)
{
    uint64_t now = sl_clock_now_ns();
    if (acks->n == 0)
        acks->since_ns = now;
    acks->done[acks->n++] = *delivery;
    if (now - acks->since_ns >= ACK_DELAY_NS)
        flush_acks(bus, acks);
}

/*
 * A message of a held key joins it; one that fails makes its key held.  Only when
 * memory is short for that it goes back to the broker, and its key may lose its order.
 *
 * @return whether the message was handled and is to be acknowledged
 */
static bool handle(struct worker *worker, const struct delivery *delivery)
{
    struct hold *hold = &worker->hold;
    bool kept = false;
    bool stored = !hold->keys || hold_keep(hold, delivery, &kept);

    if (stored && !kept) {
        if (delivery_handle(delivery) == SL_OK)
            return true;
        if (dead_is_due(delivery) && dead_bury(delivery))
            return false;
        stored = !fault_is_set(worker->pool->bus->faults, FAULT_REDELIVERY_REORDERS) &&
                 hold_add(hold, delivery, sl_clock_now_ns());
    }
    if (!stored)
        delivery_give_back(worker->pool->bus, delivery, 1, hold_delay_ns(1));
    return false;
}

/* Handle a batch; once the pool is aborted the rest of it is given back. */
static void handle_batch(struct worker *worker, struct delivery *batch, size_t n)
{
    struct bus *bus = worker->pool->bus;
    struct acks acks = {.done = batch};
    size_t i = 0;

    for (; i < n && !atomic_load(&worker->pool->aborted); i++) {
        if (handle(worker, &batch[i]))
            add_ack(bus, &acks, &batch[i]);
    }
    flush_acks(bus, &acks);
    if (i < n)
        delivery_give_back(bus, batch + i, n - i, 0);
}

/* Try the held keys whose time has come. */
static void retry(struct worker *worker)
{
    struct hold *hold = &worker->hold;
    const struct delivery *delivery;

    while (!atomic_load(&worker->pool->aborted) &&
           (delivery = hold_due(hold, sl_clock_now_ns())) != NULL) {
        if (delivery_handle(delivery) == SL_OK) {
            delivery_ack(worker->pool->bus, delivery, 1);
            hold_leave(hold);
        } else if (dead_is_due(delivery) && dead_bury(delivery)) {
            hold_leave(hold);
        } else {
            hold_failed(hold, sl_clock_now_ns());
        }
    }
}

/* Handle deliveries until the queue ends.  On the stack of every worker. */
__attribute__((noinline)) static void worker_loop(struct worker *worker)
{
    struct bus *bus = worker->pool->bus;
    struct delivery batch[WORKER_BATCH];
    enum queue_state state = QUEUE_OPEN;

    for (;;) {
        /* What is held counts against the queue's capacity, but not while it is emptied. */
        bool full = worker->hold.n_deliveries >= worker->queue.capacity && state == QUEUE_OPEN;
        size_t n = queue_pop(&worker->queue, batch, full ? 0 : WORKER_BATCH,
                             hold_next_ns(&worker->hold), &state);
        handle_batch(worker, batch, n);
        if (state == QUEUE_OPEN)
            retry(worker);
        else if (n == 0)
            break;
    }
    pool_wake_next(worker->pool); /* first: giving back may wait for the network */
    if (fault_is_set(bus->faults, FAULT_CLOSE_LOCKS_OUT_HANDLERS))
        bus->hooks->leave(bus);
    while (hold_remove(&worker->hold, &batch[0]))
        delivery_give_back(bus, batch, 1, 0);
}

static void keyed_worker_main(void *argument)
{
    worker_loop(argument);
    atomic_signal_fence(memory_order_seq_cst); /* no tail call: this name belongs on the stack */
}

static void unified_worker_main(void *argument)
{
    worker_loop(argument);
    atomic_signal_fence(memory_order_seq_cst); /* likewise */
}

static enum sl_status
start_all(struct pool *pool, void (*run)(void *argument), const char *name, struct sl_error *err)
{
    enum sl_status status = SL_OK;
    for (uint32_t i = 0; i < pool->n_workers && !status; i++)
        status = ledger_start(&pool->bus->ledger, &pool->workers[i].thread, run, &pool->workers[i],
                              err, "%s-w%u", name, i);
    if (status)
        pool_undo(pool);
    return status;
}

enum sl_status pool_new_keyed(struct bus *bus, size_t topic, uint32_t n_workers,
                              uint32_t queue_capacity, struct pool **ret_pool, struct sl_error *err)
{
    struct pool *pool = NULL;
    char name[16];
    (void) snprintf(name, sizeof name, "k%zu", topic);
    enum sl_status status = pool_new(bus, n_workers, queue_capacity, &pool, err);
    if (!status)
        status = start_all(pool, keyed_worker_main, name, err);
    if (!status)
        *ret_pool = pool;
    return status;
}

enum sl_status pool_new_unified(struct bus *bus, uint32_t n_workers, uint32_t queue_capacity,
                                struct pool **ret_pool, struct sl_error *err)
{
    struct pool *pool = NULL;
    enum sl_status status = pool_new(bus, n_workers, queue_capacity, &pool, err);
    if (!status)
        status = start_all(pool, unified_worker_main, "u", err);
    if (!status)
        *ret_pool = pool;
    return status;
}
