/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/pool.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/engine/delivery_ops.h"
#include "bus/thread/parking.h"

#define NO_DELIVERY UINT16_MAX

/* Workers of an ended pool that are woken at first; enough to keep the processors busy. */
#define FIRST_WOKEN 4u

enum sl_status pool_new(struct bus *bus, uint32_t n_workers, uint32_t queue_capacity,
                        struct pool **ret_pool, struct sl_error *err)
{
    struct pool *pool = calloc(1, sizeof *pool);
    struct worker *workers = calloc(n_workers, sizeof *workers);
    if (!pool || !workers) {
        free(workers);
        free(pool);
        return sl_fail(err, SL_ENOMEM, "out of memory for a pool of %u workers", n_workers);
    }
    parking_prepare(bus->ledger.n_planned);
    pool->bus = bus;
    pool->workers = workers;
    pool->n_workers = n_workers;
    /* Without them each worker gets a stack of the C library's, if there is memory. */
    (void) stacks_init(&pool->stacks, n_workers, bus->ledger.stack_size);
    for (uint32_t i = 0; i < n_workers; i++) {
        queue_init(&workers[i].queue, queue_capacity);
        workers[i].pool = pool;
        workers[i].thread.stack = stacks_get(&pool->stacks, i);
    }
    *ret_pool = pool;
    return SL_OK;
}

void pool_end(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_workers; i++)
        queue_set_state(&pool->workers[i].queue, QUEUE_ENDING);
    for (unsigned i = 0; i < FIRST_WOKEN; i++)
        pool_wake_next(pool);
}

void pool_wake_next(struct pool *pool)
{
    uint32_t i;
    do {
        i = atomic_fetch_add(&pool->next_to_wake, 1);
    } while (i < pool->n_workers && !queue_wake(&pool->workers[i].queue));
}

void pool_abort(struct pool *pool)
{
    atomic_store(&pool->aborted, true);
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        queue_set_state(&pool->workers[i].queue, QUEUE_ABORTED);
        (void) queue_wake(&pool->workers[i].queue);
    }
}

void pool_undo(struct pool *pool)
{
    pool_end(pool);
    for (uint32_t i = 0; i < pool->n_workers; i++)
        (void) ledger_join(&pool->workers[i].thread, SYNC_FOREVER);
    pool_free(pool);
}

void pool_joined(struct pool *pool)
{
    stacks_release(&pool->stacks);
}

void pool_give_back(struct pool *pool)
{
    struct delivery left[32];
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        size_t n;
        while ((n = queue_take(&pool->workers[i].queue, left, SL_COUNT_OF(left))) > 0)
            delivery_give_back(pool->bus, left, n, 0);
    }
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (uint32_t i = 0; i < pool->n_workers; i++)
        queue_release(&pool->workers[i].queue);
    stacks_release(&pool->stacks);
    free(pool->workers);
    free(pool);
}

uint32_t pool_route(struct pool *pool, const struct delivery *delivery)
{
    if (delivery->message.key)
        return delivery->hash % pool->n_workers;
    return atomic_fetch_add_explicit(&pool->round, 1, memory_order_relaxed) % pool->n_workers;
}

bool pool_router_init(struct pool_router *router, uint32_t n_workers, size_t max_batch)
{
    *router = (struct pool_router){
        .first = malloc(n_workers * sizeof *router->first),
        .next = malloc(max_batch * sizeof *router->next),
        .touched = malloc(max_batch * sizeof *router->touched),
        .pushed = malloc(max_batch * sizeof *router->pushed),
        .gathered = malloc(max_batch * sizeof *router->gathered),
    };
    if (!router->first || !router->next || !router->touched || !router->pushed ||
        !router->gathered) {
        pool_router_release(router);
        *router = (struct pool_router){.first = NULL};
        return false;
    }
    for (uint32_t i = 0; i < n_workers; i++)
        router->first[i] = NO_DELIVERY;
    return true;
}

void pool_router_release(struct pool_router *router)
{
    free(router->first);
    free(router->next);
    free(router->touched);
    free(router->pushed);
    free(router->gathered);
}

/* Push one worker's chain of the batch. */
static void push_chain(struct pool *pool, struct pool_router *router, uint32_t worker,
                       const struct delivery *batch)
{
    size_t n = 0;
    for (uint16_t i = router->first[worker]; i != NO_DELIVERY; i = router->next[i])
        router->gathered[n++] = &batch[i];
    size_t n_pushed = queue_push(&pool->workers[worker].queue, router->gathered, n);
    for (size_t i = 0; i < n; i++)
        router->pushed[router->gathered[i] - batch] = i < n_pushed;
    router->first[worker] = NO_DELIVERY;
}

/*
 * One lock and at most one wake-up per worker and batch.  Going backwards makes
 * each worker's chain run forwards.
 */
size_t pool_submit(struct pool *pool, struct pool_router *router, struct delivery *batch, size_t n)
{
    size_t n_touched = 0;
    for (size_t i = n; i-- > 0;) {
        uint32_t worker = pool_route(pool, &batch[i]);
        if (router->first[worker] == NO_DELIVERY)
            router->touched[n_touched++] = worker;
        router->next[i] = router->first[worker];
        router->first[worker] = (uint16_t) i;
    }
    while (n_touched > 0)
        push_chain(pool, router, router->touched[--n_touched], batch);

    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (!router->pushed[i])
            batch[left++] = batch[i];
    }
    return left;
}

bool pool_wait_room(struct pool *pool, const struct delivery *delivery, uint64_t until_ns)
{
    return queue_wait_room(&pool->workers[pool_route(pool, delivery)].queue, until_ns);
}
