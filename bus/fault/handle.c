/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/handle.h"

#include <stdio.h>
#include <unistd.h>

#include "base/sync.h"
#include "bus/fault/state.h"

/* What a publish from a handler has to take, with close-locks-out-handlers. */
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

enum sl_status fault_handle(const struct delivery *delivery)
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
