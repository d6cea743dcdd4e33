/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/delivery_ops.h"

enum sl_status delivery_handle(const struct delivery *delivery)
{
    struct topic *topic = delivery->topic;
    struct counters *counters = &topic->bus->counters;

    count(&counters->delivered, 1);
    if (delivery->message.deliveries > 1)
        count(&counters->redelivered, 1);
    enum sl_status status = fault_is_any(topic->bus->faults, FAULTS_OF_HANDLING)
                                ? topic->bus->hooks->handle(delivery)
                                : topic->handler(topic->user, &delivery->message);
    if (status)
        count(&counters->handler_errors, 1);
    return status;
}

/* How many deliveries from the first on belong to the topic of the first. */
static size_t run_of_topic(const struct delivery *deliveries, size_t n)
{
    size_t length = 1;
    while (length < n && deliveries[length].topic == deliveries[0].topic)
        length++;
    return length;
}

void delivery_ack(struct bus *bus, const struct delivery *deliveries, size_t n)
{
    if (fault_is_any(bus->faults, FAULTS_OF_WAITING))
        bus->hooks->complete(bus, deliveries, n);
    if (!gate_enter(&bus->users))
        return;
    for (size_t i = 0, length; i < n; i += length) {
        length = run_of_topic(deliveries + i, n - i);
        bus->transport->ops->ack(deliveries[i].topic->subscription, deliveries + i, length);
    }
    count(&bus->counters.acked, n);
    gate_leave(&bus->users);
}

void delivery_give_back(struct bus *bus, const struct delivery *deliveries, size_t n,
                        uint64_t delay_ns)
{
    if (fault_is_any(bus->faults, FAULTS_OF_WAITING))
        bus->hooks->complete(bus, deliveries, n);
    if (!gate_enter(&bus->users))
        return;
    for (size_t i = 0, length; i < n; i += length) {
        length = run_of_topic(deliveries + i, n - i);
        bus->transport->ops->give_back(deliveries[i].topic->subscription, deliveries + i, length,
                                       delay_ns);
    }
    count(&bus->counters.given_back, n);
    if (atomic_load(&bus->state) != BUS_RUNNING)
        count(&bus->counters.given_back_closing, n);
    gate_leave(&bus->users);
}

void delivery_terminate(struct bus *bus, const struct delivery *delivery)
{
    if (!gate_enter(&bus->users))
        return;
    bus->transport->ops->terminate(delivery->topic->subscription, delivery, 1);
    count(&bus->counters.given_up, 1);
    gate_leave(&bus->users);
}
