/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does, in whichever pool it is. */
#include "base/clock.h"
#include "base/macros.h"
#include "bus/internal.h"

/* Deliveries taken from the queue under one lock. */
#define WORKER_BATCH 32u

/* A handled message waits at most this long, and one handler call, for its acknowledgement. */
#define ACK_DELAY_NS SL_NS_PER_MS

struct acks {
    struct delivery done[WORKER_BATCH];
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
    if (acks->n == WORKER_BATCH || now - acks->since_ns >= ACK_DELAY_NS)
        flush_acks(bus, acks);
}

static void handle(struct worker *worker, struct acks *acks, const struct delivery *delivery)
{
    struct bus *bus = worker->pool->bus;
    bool kept = false;

    if (worker->hold.keys && !hold_keep(&worker->hold, delivery, &kept)) {
        delivery_give_back(bus, delivery, 1, hold_delay_ns(1));
        return;
    }
    if (kept)
        return;
    if (delivery_handle(delivery) == SL_OK)
        add_ack(bus, acks, delivery);
    else if (!hold_add(&worker->hold, delivery, sl_clock_now_ns()))
        delivery_give_back(bus, delivery, 1, hold_delay_ns(1));
}

/* Try the held keys whose time has come. */
static void retry(struct worker *worker, struct acks *acks)
{
    struct hold *hold = &worker->hold;
    const struct delivery *delivery;

    while (!atomic_load(&worker->pool->aborted) &&
           (delivery = hold_due(hold, sl_clock_now_ns())) != NULL) {
        if (delivery_handle(delivery) == SL_OK) {
            add_ack(worker->pool->bus, acks, delivery);
            hold_succeeded(hold);
        } else {
            hold_failed(hold, sl_clock_now_ns());
        }
    }
}

/* Handle a batch; once the pool is aborted the rest of it is given back. */
static void
handle_batch(struct worker *worker, struct acks *acks, const struct delivery *batch, size_t n)
{
    size_t i = 0;
    for (; i < n && !atomic_load(&worker->pool->aborted); i++)
        handle(worker, acks, &batch[i]);
    if (i < n)
        delivery_give_back(worker->pool->bus, batch + i, n - i, 0);
}

void worker_loop(struct worker *worker)
{
    struct bus *bus = worker->pool->bus;
    struct delivery batch[WORKER_BATCH];
    struct acks acks = {.n = 0};
    enum queue_state state = QUEUE_OPEN;

    for (;;) {
        /* What is held counts against the queue's capacity, but not while it is emptied. */
        bool full = worker->hold.n_deliveries >= worker->queue.capacity && state == QUEUE_OPEN;
        size_t n = queue_pop(&worker->queue, batch, full ? 0 : WORKER_BATCH,
                             hold_next_ns(&worker->hold), &state);
        handle_batch(worker, &acks, batch, n);
        if (state == QUEUE_OPEN)
            retry(worker, &acks);
        else if (n == 0)
            break;
        flush_acks(bus, &acks);
    }
    while (hold_remove(&worker->hold, &batch[0]))
        delivery_give_back(bus, batch, 1, 0);
}
