/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/dead.h"

#include "base/clock.h"
#include "base/sync.h"
#include "bus/engine/delivery_ops.h"
#include "bus/engine/publish.h"

/* Longest wait for the copy of a dead message to be stored, and how often a close is looked for. */
#define KEEP_NS      (2 * SL_NS_PER_S)
#define KEEP_STEP_NS (20 * SL_NS_PER_MS)

bool dead_is_due(const struct delivery *failed)
{
    const struct topic *topic = failed->topic;
    uint32_t max_deliver = topic->bus->config.max_deliver;
    return max_deliver > 0 && !topic->is_dead && failed->message.deliveries >= max_deliver;
}

/* Store a copy in the topic for dead messages.  @return false when it may not be there */
static bool keep_copy(const struct delivery *delivery)
{
    struct topic *topic = delivery->topic;
    struct bus *bus = topic->bus;
    uint64_t until_ns = sync_deadline(KEEP_NS);
    struct waiter *waiter = waiter_new(1);

    if (!waiter)
        return false;
    bool told = false;
    if (publish_dead(bus, topic->dead, &delivery->message, waiter)) {
        do
            told = waiter_wait(waiter, sync_deadline(KEEP_STEP_NS));
        while (!told && sl_clock_left_ns(until_ns) > 0 && atomic_load(&bus->state) == BUS_RUNNING);
    }
    bool kept = told && waiter_outcome(waiter, 0) == SL_PUBLISH_ACCEPTED;
    waiter_free(waiter);
    return kept;
}

bool dead_bury(const struct delivery *delivery)
{
    struct topic *topic = delivery->topic;
    struct bus *bus = topic->bus;
    const char *key = delivery->message.key ? delivery->message.key : "";
    unsigned n_tries = delivery->message.deliveries;

    if (topic->dead && !keep_copy(delivery)) {
        log_line(&bus->logger, LOG_NOT_KEPT,
                 "cannot store a dead message of topic '%s', key '%s': it is tried again",
                 topic->name, key);
        return false;
    }
    /* The key belongs to the message, which is gone after this. */
    log_line(&bus->logger, LOG_GIVEN_UP,
             "gave a message of topic '%s', key '%s' up after %u tries: %s", topic->name, key,
             n_tries, topic->dead ? "it is a dead letter now" : "it is dropped");
    delivery_terminate(bus, delivery);
    return true;
}
