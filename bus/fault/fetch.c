/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/fetch.h"

#include "base/clock.h"
#include "base/sync.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/hooks.h"
#include "bus/engine/pool.h"
#include "bus/fault/state.h"
#include "bus/fault/twin.h"

void fault_complete(struct bus *bus, const struct delivery *deliveries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct topic *topic = deliveries[i].topic;
        if (fault_is_set(bus->faults, FAULT_LOST_COMPLETION) &&
            fault_strikes(bus->fault_state, FAULT_LOST_COMPLETION, topic->name))
            continue;
        sync_lock(&topic->mutex);
        topic->fault.n_completed++;
        sync_broadcast(&topic->stop);
        sync_unlock(&topic->mutex);
    }
}

/* Until everything that was fetched is completed; with lost-completion nothing else ends it. */
__attribute__((noinline)) static void fault_wait_done(struct topic *topic)
{
    bool stoppable = !fault_is_set(topic->bus->faults, FAULT_LOST_COMPLETION);
    sync_lock(&topic->mutex);
    while (topic->fault.n_completed < topic->fault.n_fetched && !(stoppable && topic->stopping))
        (void) sync_wait_until(&topic->stop, &topic->mutex, SYNC_FOREVER);
    sync_unlock(&topic->mutex);
}

/* One per reconnect.  When that fails, the server is not ready yet: at the next fetch. */
static void add_fetchers(struct topic *topic)
{
    struct topic *twin;
    while (topic->fault.n_refetched < atomic_load(&topic->bus->transport->reconnects) &&
           fault_twin_new(topic, true, true, &twin, NULL) == SL_OK)
        topic->fault.n_refetched++;
}

enum sl_status fault_fetch(struct topic *topic, size_t *ret_n)
{
    const struct bus *bus = topic->bus;
    bool serialised = fault_is_any(bus->faults, FAULTS_OF_WAITING);

    if (serialised)
        fault_wait_done(topic);
    if (fault_is_set(bus->faults, FAULT_FETCHERS_SURVIVE_RECONNECT) && !topic->fault.is_twin)
        add_fetchers(topic);
    enum sl_status status = fetcher_fetch(topic, serialised ? 1 : FETCH_BATCH, ret_n);
    if (status)
        return status;
    topic->fault.n_fetched += *ret_n;
    if (fault_is_set(bus->faults, FAULT_SHARED_DURABLE) && topic->fault.is_twin && *ret_n > 0)
        sl_clock_sleep_ns(bus->fault_state->rules[FAULT_SHARED_DURABLE].delay_ns);
    return SL_OK;
}

/* Room in a queue that has ended is none that a worker made. */
__attribute__((noinline)) bool fault_wait_room(struct pool *pool, const struct delivery *delivery)
{
    struct queue *queue = &pool->workers[pool_route(pool, delivery)].queue;
    sync_lock(&queue->mutex);
    while (queue->count >= queue->capacity || queue->state != QUEUE_OPEN) {
        queue->pusher_waits = true;
        (void) sync_wait_until(&queue->not_full, &queue->mutex, SYNC_FOREVER);
    }
    sync_unlock(&queue->mutex);
    return true;
}
