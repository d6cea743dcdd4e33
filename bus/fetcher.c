/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetcher: one thread per topic that takes messages from the broker and queues
 * them with their workers or, in direct mode, handles them itself.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "bus/internal.h"
#include "bus/sync.h"

#define BACK_OFF_NS SL_NS_PER_S

/* Longest wait for room in one go: how soon a paused fetcher sees that it was abandoned. */
#define PAUSE_STEP_NS (50 * SL_NS_PER_MS)

static bool is_stopping(struct topic *topic)
{
    sync_lock(&topic->mutex);
    bool stopping = topic->stopping;
    sync_unlock(&topic->mutex);
    return stopping;
}

/* Wait before trying to fetch again, unless told to stop. */
static void fetcher_back_off(struct topic *topic)
{
    uint64_t until_ns = sl_clock_now_ns() + BACK_OFF_NS;
    bool in_time = true;
    sync_lock(&topic->mutex);
    while (!topic->stopping && in_time)
        in_time = sync_wait_until(&topic->stop, &topic->mutex, until_ns);
    sync_unlock(&topic->mutex);
}

/*
 * The topic is paused: nothing is fetched while the head of the batch waits for
 * room.  What the client library has buffered is taken over meanwhile, so that the
 * broker does not redeliver it.
 */
static void pause_topic(struct topic *topic, const struct delivery *first)
{
    uint64_t until_ns = sl_clock_now_ns() + PAUSE_STEP_NS;
    if (pool_wait_room(topic->pool, first, until_ns))
        return;
    struct bus *bus = topic->bus;
    if (gate_enter(&bus->users)) {
        bus->transport->ops->collect(topic->subscription);
        gate_leave(&bus->users);
    }
}

static void dispatch_to_pool(struct topic *topic, size_t n)
{
    struct bus *bus = topic->bus;
    uint64_t since_ns = 0;
    bool counted = false;

    while ((n = pool_submit(topic->pool, &topic->router, topic->batch, n)) > 0) {
        uint64_t now_ns = sl_clock_now_ns();
        if (since_ns == 0)
            since_ns = now_ns;
        if (!counted && now_ns - since_ns >= bus->config.enqueue_wait_ns) {
            atomic_fetch_add(&bus->counters.queue_full, 1);
            counted = true;
        }
        if (atomic_load(&topic->abandoned)) {
            delivery_give_back(bus, topic->batch, n, 0);
            return;
        }
        pause_topic(topic, &topic->batch[0]);
    }
}

static void dispatch_directly(struct topic *topic, size_t n)
{
    struct bus *bus = topic->bus;
    uint64_t collect_ns = sl_clock_now_ns() + bus->config.ack_wait_ns / 4;

    for (size_t i = 0; i < n; i++) {
        const struct delivery *delivery = &topic->batch[i];
        if (atomic_load(&topic->abandoned)) {
            delivery_give_back(bus, delivery, n - i, 0);
            return;
        }
        if (delivery_handle(delivery) == SL_OK)
            delivery_ack(bus, delivery, 1);
        else
            delivery_give_back(bus, delivery, 1, hold_delay_ns(delivery->message.deliveries));
        if (sl_clock_now_ns() >= collect_ns && gate_enter(&bus->users)) {
            bus->transport->ops->collect(topic->subscription);
            gate_leave(&bus->users);
            collect_ns = sl_clock_now_ns() + bus->config.ack_wait_ns / 4;
        }
    }
}

static enum sl_status fetch(struct topic *topic, size_t *ret_n)
{
    struct bus *bus = topic->bus;
    if (!gate_enter(&bus->users))
        return SL_ECLOSED;
    enum sl_status status =
        bus->transport->ops->fetch(topic->subscription, topic->batch, FETCH_BATCH, ret_n);
    if (!status)
        count(&bus->counters.fetched, *ret_n);
    gate_leave(&bus->users);
    return status;
}

static void fetcher_main(void *argument)
{
    struct topic *topic = argument;

    while (!is_stopping(topic)) {
        size_t n = 0;
        if (fetch(topic, &n)) {
            fetcher_back_off(topic);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            topic->batch[i].topic = topic;
            topic->batch[i].message.topic = topic->name;
        }
        if (topic->pool)
            dispatch_to_pool(topic, n);
        else
            dispatch_directly(topic, n);
    }
}

enum sl_status fetcher_start(struct topic *topic, struct sl_error *err)
{
    return ledger_start(&topic->bus->ledger, &topic->fetcher, fetcher_main, topic, err, "fetch-%zu",
                        topic->index);
}

void fetcher_stop(struct topic *topic)
{
    sync_lock(&topic->mutex);
    topic->stopping = true;
    sync_broadcast(&topic->stop);
    sync_unlock(&topic->mutex);
}
