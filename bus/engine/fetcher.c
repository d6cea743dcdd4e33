/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/fetcher.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/engine/dead.h"
#include "bus/engine/delivery_ops.h"
#include "bus/engine/pool.h"

#define BACK_OFF_NS SL_NS_PER_S

/* Longest wait for room in one go: how soon a paused fetcher sees that it was abandoned. */
#define PAUSE_STEP_NS (50 * SL_NS_PER_MS)

/*
 * While messages stream in, a fetcher waits for a batch of them instead of waking up,
 * and waking up workers, for each one.  The wait adapts: longer while it brings
 * GATHER_ENOUGH, shorter while it does not, so that a slow stream is not delayed.
 * When the broker has a backlog, messages are late anyway and the wait may be longer; likewise
 * when so many come that all threads are busy.
 */
#define GATHER_ENOUGH    8u
#define GATHER_MANY      64u /* in GATHER_MOST_NS */
#define GATHER_LEAST_NS  (32 * SL_NS_PER_US)
#define GATHER_MOST_NS   (32 * GATHER_LEAST_NS)
#define GATHER_MANY_NS   (5 * GATHER_MOST_NS)
#define GATHER_BEHIND    1000u /* messages; from here on it is a backlog */
#define GATHER_BEHIND_NS (20 * GATHER_MOST_NS)

static bool is_stopping(struct topic *topic)
{
    sync_lock(&topic->mutex);
    bool stopping = topic->stopping;
    sync_unlock(&topic->mutex);
    return stopping;
}

/* Wait for a time, or until told to stop.  */
static void wait_until(struct topic *topic, uint64_t until_ns)
{
    bool in_time = true;
    sync_lock(&topic->mutex);
    while (!topic->stopping && in_time)
        in_time = sync_wait_until(&topic->stop, &topic->mutex, until_ns);
    sync_unlock(&topic->mutex);
}

/* Before trying to fetch again.  Its name belongs on the stack. */
__attribute__((noinline)) static void fetcher_back_off(struct topic *topic)
{
    wait_until(topic, sl_clock_now_ns() + BACK_OFF_NS);
    atomic_signal_fence(memory_order_seq_cst); /* no tail call */
}

/*
 * So many came in one wait that in a longer one the broker could run out of what it was asked
 * for: more is asked for when half of it has come.
 */
static bool may_run_dry(const struct topic *topic, size_t n)
{
    uint32_t window = topic->subscription->window;
    return window > 0 && n > window / 2;
}

/*
 * All fetchers wait for the same ticks, so that a worker wakes up once for the messages of
 * several topics.  With a backlog, which keeps the broker busy as well, the ticks of the topics
 * are spread evenly: it works on acknowledgements and deliveries side by side instead of in turn.
 */
static uint64_t next_tick(const struct topic *topic)
{
    uint64_t every_ns = topic->gather_ns, offset_ns = 0;
    if (every_ns > GATHER_MANY_NS)
        offset_ns = every_ns * topic->index / topic->bus->n_topics;
    return ((sl_clock_now_ns() - offset_ns) / every_ns + 1) * every_ns + offset_ns;
}

/* After a fetch of n. */
static void gather(struct topic *topic, size_t n)
{
    topic->n_gathered += n;
    if (n >= FETCH_BATCH)
        return; /* there is more already */
    n = topic->n_gathered;
    topic->n_gathered = 0;
    bool many = n >= GATHER_MANY * topic->gather_ns / GATHER_MOST_NS;
    bool longer = n >= GATHER_ENOUGH && !may_run_dry(topic, n);
    uint64_t most_ns = many ? GATHER_MANY_NS : GATHER_MOST_NS;
    if (topic->subscription->n_behind >= GATHER_BEHIND)
        most_ns = GATHER_BEHIND_NS;
    topic->gather_ns = longer ? topic->gather_ns * 2 : topic->gather_ns / 2;
    topic->gather_ns = SL_MIN(SL_MAX(topic->gather_ns, GATHER_LEAST_NS), most_ns);
    wait_until(topic, next_tick(topic));
}

/*
 * Now and then, while a batch takes its time: take over what the client library has
 * buffered meanwhile, so that it is kept from redelivery like the batch itself.
 */
static void collect_now_and_then(struct topic *topic, uint64_t *last_ns)
{
    struct bus *bus = topic->bus;
    uint64_t now_ns = sl_clock_now_ns();
    if (now_ns - *last_ns < bus->config.ack_wait_ns / 4)
        return;
    *last_ns = now_ns;
    if (!gate_enter(&bus->users))
        return;
    bus->transport->ops->collect(topic->subscription);
    gate_leave(&bus->users);
}

/*
 * While the batch does not fit into the queues the topic is paused: the batch waits
 * here and nothing more is fetched.
 */
static void dispatch_to_pool(struct topic *topic, size_t n)
{
    struct bus *bus = topic->bus;
    uint64_t began_ns = 0, collected_ns = 0;
    uint64_t step_ns = SL_MIN(PAUSE_STEP_NS, bus->config.ack_wait_ns / 4);
    size_t before = 0;
    bool counted = false;

    while ((n = pool_submit(topic->pool, &topic->router, topic->batch, n)) > 0) {
        uint64_t now_ns = sl_clock_now_ns();
        if (began_ns == 0)
            began_ns = collected_ns = now_ns;
        if (!counted && now_ns - began_ns >= bus->config.enqueue_wait_ns) {
            atomic_fetch_add(&bus->counters.queue_full, 1);
            counted = true;
            log_line(&bus->logger, LOG_PAUSED, "paused topic '%s': a worker's queue is full",
                     topic->name);
        }
        if (atomic_load(&topic->abandoned)) {
            delivery_give_back(bus, topic->batch, n, 0);
            return;
        }
        bool room = fault_is_set(bus->faults, FAULT_BLOCKED_SUBMITTER)
                        ? bus->hooks->wait_room(topic->pool, &topic->batch[0])
                        : pool_wait_room(topic->pool, &topic->batch[0], now_ns + step_ns);
        if (room && n == before)
            sl_clock_sleep_ns(SL_NS_PER_MS); /* room, but no memory to use it */
        before = n;
        collect_now_and_then(topic, &collected_ns);
    }
}

static void dispatch_directly(struct topic *topic, size_t n)
{
    struct bus *bus = topic->bus;
    uint64_t collected_ns = sl_clock_now_ns();

    for (size_t i = 0; i < n; i++) {
        const struct delivery *delivery = &topic->batch[i];
        if (atomic_load(&topic->abandoned)) {
            delivery_give_back(bus, delivery, n - i, 0);
            return;
        }
        if (delivery_handle(delivery) == SL_OK)
            delivery_ack(bus, delivery, 1);
        else if (!dead_is_due(delivery) || !dead_bury(delivery))
            delivery_give_back(bus, delivery, 1, hold_delay_ns(delivery->message.deliveries));
        collect_now_and_then(topic, &collected_ns);
    }
}

enum sl_status fetcher_fetch(struct topic *topic, size_t max, size_t *ret_n)
{
    struct bus *bus = topic->bus;
    if (!gate_enter(&bus->users))
        return SL_ECLOSED;
    enum sl_status status =
        bus->transport->ops->fetch(topic->subscription, topic->batch, max, ret_n);
    if (!status) {
        count(&bus->counters.fetched, *ret_n);
        atomic_store_explicit(&topic->n_behind, topic->subscription->n_behind,
                              memory_order_relaxed);
    }
    gate_leave(&bus->users);
    return status;
}

void fetcher_main(void *argument)
{
    struct topic *topic = argument;

    while (!is_stopping(topic)) {
        size_t n = 0;
        enum sl_status status = fault_is_any(topic->bus->faults, FAULTS_OF_FETCHING)
                                    ? topic->bus->hooks->fetch(topic, &n)
                                    : fetcher_fetch(topic, FETCH_BATCH, &n);
        if (status) {
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
        if (n > 0)
            gather(topic, n);
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
