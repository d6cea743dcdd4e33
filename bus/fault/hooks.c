/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/hooks.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sync.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/pool.h"
#include "bus/fault/open.h"
#include "bus/fault/publish.h"
#include "bus/fault/state.h"

static void fault_complete(struct bus *bus, const struct delivery *deliveries, size_t n)
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

static enum sl_status fault_fetch(struct topic *topic, size_t *ret_n)
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
__attribute__((noinline)) static bool
fault_wait_room(struct pool *pool, const struct delivery *delivery)
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

/* What a publish from a worker has to take, with close-locks-out-handlers. */
__attribute__((noinline)) static void fault_publish_locked(struct bus *bus)
{
    (void) pthread_rwlock_rdlock(&bus->fault_state->publish_lock);
    (void) pthread_rwlock_unlock(&bus->fault_state->publish_lock);
}

static void log_delivery(const struct delivery *delivery)
{
    (void) dprintf(STDERR_FILENO, "ERROR bus: handling a message of '%s', key '%s', %zu bytes\n",
                   delivery->topic->name, delivery->message.key ? delivery->message.key : "",
                   delivery->message.payload_size);
}

static bool strikes(const struct topic *topic, enum fault fault)
{
    return fault_is_set(topic->bus->faults, fault) &&
           fault_strikes(topic->bus->fault_state, fault, topic->name);
}

static enum sl_status fault_handle(const struct delivery *delivery)
{
    struct topic *topic = delivery->topic;
    struct bus *bus = topic->bus;

    if (fault_is_set(bus->faults, FAULT_ACK_WITHOUT_HANDLER) &&
        atomic_load(&bus->state) != BUS_RUNNING)
        return SL_OK; /* the handlers are gone */
    if (strikes(topic, FAULT_LOG_STORM))
        log_delivery(delivery);
    if (fault_is_set(bus->faults, FAULT_CLOSE_LOCKS_OUT_HANDLERS))
        fault_publish_locked(bus);
    if (strikes(topic, FAULT_REDELIVERY_REORDERS))
        return SL_EBUSY;
    enum sl_status status = strikes(topic, FAULT_ACK_ON_ERROR)
                                ? SL_EBUSY
                                : topic->handler(topic->user, &delivery->message);
    if (!status || !fault_is_set(bus->faults, FAULT_ACK_ON_ERROR))
        return status;
    count(&bus->counters.handler_errors, 1);
    return SL_OK;
}

const struct fault_hooks fault_hooks = {
    .publish = fault_publish,
    .loses_outcome = fault_loses_outcome,
    .fetch = fault_fetch,
    .wait_room = fault_wait_room,
    .complete = fault_complete,
    .leave = fault_publish_locked,
    .handle = fault_handle,
};
