/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing: with outcomes by callback, by the result queue, or waited for. */
#include "bus/engine/publish.h"

#include <string.h>

#include <strandline/bus_publish.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/engine/check.h"
#include "bus/engine/topic.h"
#include "bus/thread/scope.h"

static void keep_result(struct bus *bus, uint64_t token, enum sl_publish_outcome outcome)
{
    struct publish_counters *counters = &bus->publishing;
    struct bus_result result = {.token = token, .outcome = outcome};

    switch (results_put(&bus->results, &result, bus->config.result_wait_ns)) {
    case RESULTS_PUT:
        break;
    case RESULTS_PUT_LATE:
        count(&counters->results_waits, 1);
        break;
    case RESULTS_DROPPED:
        count(&counters->results_dropped, 1);
        log_line(&bus->logger, LOG_RESULTS,
                 "dropped the result of publish %llu: nobody takes results, %u of them wait",
                 (unsigned long long) token, bus->config.result_capacity);
        break;
    }
}

void publish_settle(void *user, struct ticket ticket, enum sl_publish_outcome outcome)
{
    struct bus *bus = user;
    struct scope scope, telling;

    if (!ticket.waiter && fault_is_any(bus->faults, FAULTS_OF_OUTCOMES) &&
        bus->hooks->loses_outcome(bus))
        return;
    count(&bus->publishing.outcomes[outcome], 1);
    if (ticket.waiter) {
        waiter_tell(ticket, outcome);
        return;
    }
    scope_enter(&scope, bus);
    scope_enter(&telling, &bus->publishing);
    if (bus->config.on_publish)
        bus->config.on_publish(bus->config.user, ticket.token, outcome);
    if (bus->config.result_capacity > 0)
        keep_result(bus, ticket.token, outcome);
    scope_leave(&telling);
    scope_leave(&scope);
}

/* With a gate of the bus entered. */
static enum sl_status hand_over(struct bus *bus, size_t topic, const struct sl_message *message,
                                const char *id, struct ticket ticket, struct sl_error *err)
{
    count(&bus->publishing.published, 1);
    enum sl_status status =
        fault_is_any(bus->faults, FAULTS_OF_PUBLISHING)
            ? bus->hooks->publish(&bus->topics[topic], message, id, ticket, err)
            : bus->transport->ops->publish(bus->transport, topic, message, id, ticket, err);
    if (status)
        count(&bus->publishing.errors, 1);
    if (status && ticket.waiter)
        waiter_tell(ticket, SL_PUBLISH_REJECTED); /* for the waiter there is always an outcome */
    return status;
}

static enum sl_status find_and_check(const struct bus *bus, const struct sl_message *message,
                                     size_t *ret_topic, struct sl_error *err)
{
    if (!bus || !message)
        return sl_fail(err, SL_EINVAL, "no bus or no message to publish");
    const struct topic *topic = topic_find(bus, message->topic);
    if (!topic)
        return sl_fail(err, SL_ENOENT, "no topic '%s' on this bus",
                       message->topic ? message->topic : "");
    *ret_topic = topic->index;
    return check_message(message, err);
}

enum sl_status publish_message(struct bus *bus, const struct sl_message *message, const char *id,
                               struct ticket ticket, struct sl_error *err)
{
    size_t topic = 0;
    enum sl_status status = find_and_check(bus, message, &topic, err);
    if (!status && !gate_enter(&bus->callers))
        status =
            sl_fail(err, SL_ECLOSED, "cannot publish to '%s': the bus is closed", message->topic);
    if (status) {
        if (ticket.waiter)
            waiter_tell(ticket, SL_PUBLISH_REJECTED);
        return status;
    }
    status = hand_over(bus, topic, message, id, ticket, err);
    gate_leave(&bus->callers);
    return status;
}

enum sl_status
bus_publish(struct bus *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    return publish_message(bus, message, NULL, (struct ticket){.token = token}, err);
}

bool publish_dead(struct bus *bus, const struct topic *topic, const struct sl_message *message,
                  struct waiter *waiter)
{
    struct sl_message copy = *message;
    copy.topic = topic->name;
    if (!gate_enter(&bus->users))
        return false;
    enum sl_status status =
        hand_over(bus, topic->index, &copy, NULL, waiter_issue(waiter, 0), NULL);
    gate_leave(&bus->users);
    return status == SL_OK;
}

/* The worst of the outcomes, for people. */
static enum sl_status judge(const enum sl_publish_outcome *outcomes, size_t n, struct sl_error *err)
{
    size_t n_of[SL_PUBLISH_UNKNOWN + 1] = {0};
    for (size_t i = 0; i < n; i++)
        n_of[outcomes[i]]++;
    if (n_of[SL_PUBLISH_UNKNOWN] > 0)
        return sl_fail(err, SL_ETIMEDOUT, "no answer came to %zu of %zu publishes",
                       n_of[SL_PUBLISH_UNKNOWN], n);
    if (n_of[SL_PUBLISH_REJECTED] > 0)
        return sl_fail(err, SL_EPROTO, "the broker refused %zu of %zu publishes",
                       n_of[SL_PUBLISH_REJECTED], n);
    return SL_OK;
}

/* Publish all with the waiter's tickets.  What comes after a failure is not handed over. */
static enum sl_status publish_all(struct bus *bus, const struct sl_message *messages, size_t n,
                                  struct waiter *waiter, struct sl_error *err)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < n; i++) {
        struct ticket ticket = waiter_issue(waiter, i);
        if (status)
            waiter_tell(ticket, SL_PUBLISH_REJECTED);
        else
            status = publish_message(bus, &messages[i], NULL, ticket, err);
    }
    return status;
}

enum sl_status bus_publish_batch(struct bus *bus, const struct sl_message *messages, size_t n,
                                 uint64_t timeout_ns, enum sl_publish_outcome *ret_outcomes,
                                 struct sl_error *err)
{
    if (!bus || (!messages && n > 0) || (!ret_outcomes && n > 0))
        return sl_fail(err, SL_EINVAL, "no bus, no messages or no place for their outcomes");
    if (scope_is_within(&bus->publishing))
        return sl_fail(err, SL_EDEADLK, "cannot wait for an outcome where outcomes are told");
    struct waiter *waiter = waiter_new(n);
    if (!waiter)
        return sl_fail(err, SL_ENOMEM, "out of memory for a batch of %zu publishes", n);
    uint64_t deadline_ns = sync_deadline(timeout_ns);
    enum sl_status status = publish_all(bus, messages, n, waiter, err);
    (void) waiter_wait(waiter, deadline_ns);
    for (size_t i = 0; i < n; i++)
        ret_outcomes[i] = waiter_outcome(waiter, i);
    waiter_free(waiter);
    return status ? status : judge(ret_outcomes, n, err);
}

enum sl_status bus_publish_sync(struct bus *bus, const struct sl_message *message,
                                uint64_t timeout_ns, struct sl_error *err)
{
    enum sl_publish_outcome outcome = SL_PUBLISH_UNKNOWN;
    return bus_publish_batch(bus, message, 1, timeout_ns, &outcome, err);
}

enum sl_status bus_flush(struct bus *bus, uint64_t timeout_ns, struct sl_error *err)
{
    if (!bus)
        return sl_fail(err, SL_EINVAL, "no bus to flush");
    if (scope_is_within(bus))
        return sl_fail(err, SL_EDEADLK, "cannot flush from a thread of the bus itself");
    if (!gate_enter(&bus->callers))
        return sl_fail(err, SL_ECLOSED, "cannot flush: the bus is closed");
    uint64_t deadline_ns = sync_deadline(timeout_ns);
    bool done = bus->transport->ops->wait_outcomes(bus->transport, deadline_ns);
    gate_leave(&bus->callers);
    return done ? SL_OK : sl_fail(err, SL_ETIMEDOUT, "publishes without an outcome remain");
}

enum sl_status bus_results_take(struct bus *bus, struct bus_result *ret_results, size_t max,
                                uint64_t timeout_ns, size_t *ret_n, struct sl_error *err)
{
    bool ended = false;
    if (!bus || !ret_results || !ret_n || max == 0)
        return sl_fail(err, SL_EINVAL, "no bus or no place for results");
    if (bus->config.result_capacity == 0)
        return sl_fail(err, SL_EINVAL, "this bus keeps no results");
    if (scope_is_within(&bus->publishing))
        return sl_fail(err, SL_EDEADLK, "cannot wait for a result where results are made");
    size_t n = results_take(&bus->results, ret_results, max, sync_deadline(timeout_ns), &ended);
    if (n == 0 && ended)
        return sl_fail(err, SL_ECLOSED, "no more results: the bus is closed");
    if (n == 0)
        return sl_fail(err, SL_ETIMEDOUT, "no result came");
    *ret_n = n;
    return SL_OK;
}
