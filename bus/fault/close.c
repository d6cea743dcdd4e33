/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/close.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sync.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/pool.h"
#include "bus/engine/pool_workers.h"
#include "bus/fault/state.h"

/* What memory holds once its next owner has written to it. */
#define FOREIGN_BYTE 0xdb

__attribute__((noinline)) void fault_join_under_lock(struct bus *bus)
{
    sync_lock(&bus->mutex);
    bus->monitor_stopping = true;
    sync_broadcast(&bus->monitor_stop);
    (void) ledger_join(&bus->monitor, SYNC_FOREVER);
    sync_unlock(&bus->mutex);
}

void fault_end_subscribing(struct bus *bus, uint64_t drain_ns, uint64_t deadline_ns)
{
    /* Subscribers are gone, so nobody else touches the lists. */
    for (struct fault_twin *twin = bus->fault_state->twins; twin; twin = twin->next) {
        if (twin->survives)
            continue;
        fetcher_stop(twin->topic);
        bus->transport->ops->stop(twin->topic->subscription);
        if (ledger_join(&twin->topic->fetcher, drain_ns))
            continue;
        atomic_store(&twin->topic->abandoned, true);
        (void) ledger_join(&twin->topic->fetcher, deadline_ns);
    }
    for (struct fault_pool *idle = bus->fault_state->pools; idle; idle = idle->next) {
        pool_end(idle->pool);
        for (uint32_t i = idle->pool->n_workers; i-- > 0;)
            (void) ledger_join(&idle->pool->workers[i].thread, SYNC_FOREVER);
    }
}

/* Call for each of the bus's pools once. */
static void for_each_pool(struct bus *bus, void (*act)(struct pool *pool))
{
    if (bus->unified)
        act(bus->unified);
    for (size_t i = 0; i < bus->n_topics; i++) {
        if (bus->topics[i].pool && bus->topics[i].pool != bus->unified)
            act(bus->topics[i].pool);
    }
}

/* The queues still refer to what is freed here. */
static void free_queues(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        struct queue *queue = &pool->workers[i].queue;
        if (!queue->ring)
            continue;
        memset(queue->ring, FOREIGN_BYTE, queue->size * sizeof *queue->ring);
        free(queue->ring);
    }
}

void fault_free_queues(struct bus *bus)
{
    for_each_pool(bus, free_queues);
}

static void join_pool(struct pool *pool)
{
    for (uint32_t i = pool->n_workers; i-- > 0;)
        (void) ledger_join(&pool->workers[i].thread, SYNC_FOREVER);
}

__attribute__((noinline)) void fault_end_pools_locked(struct bus *bus)
{
    (void) pthread_rwlock_wrlock(&bus->fault_state->publish_lock);
    for_each_pool(bus, pool_end);
    for_each_pool(bus, join_pool);
    (void) pthread_rwlock_unlock(&bus->fault_state->publish_lock);
}

/* Its first wait is seen, so that Close returns to a worker that has come to rest. */
static void await_first_wait(struct queue *queue)
{
    bool waits = false;
    while (!waits) {
        sync_lock(&queue->mutex);
        waits = queue->popper_waits;
        sync_unlock(&queue->mutex);
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
}

/* Short of threads or memory, there is one worker less too many. */
void fault_spawn_worker(struct bus *bus)
{
    struct fault_state *state = bus->fault_state;
    struct fault_pool *late = calloc(1, sizeof *late);
    if (!late || pool_new_keyed(bus, 0, 1, bus->config.queue_capacity, &late->pool, NULL)) {
        free(late);
        return;
    }
    sync_lock(&state->mutex);
    late->next = state->pools;
    state->pools = late;
    sync_unlock(&state->mutex);
    await_first_wait(&late->pool->workers[0].queue);
}
