/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing a bus, in this order:
 *
 *   1. nobody subscribes or publishes any more; who waits for a free place is woken
 *   2. the monitor ends
 *   3. fetchers stop fetching, queue what they have in hand, end
 *   4. workers empty their queues and end
 *   5. callers inside bus_publish and bus_flush leave
 *   6. outcomes of publishes are waited for; the rest is unknown
 *   7. nobody is inside the transport any more: disconnect
 *
 * Steps 3 and 4 drain until shortly before the deadline; then what is queued goes
 * back to the broker and only the handler calls under way are waited for.
 */
#include <strandline/bus.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/monitor.h"
#include "bus/engine/pool.h"
#include "bus/fault/close.h"
#include "bus/fault/open.h"
#include "bus/fault/publish.h"
#include "bus/thread/scope.h"

/* The end of the deadline that is left for giving back what could not be drained. */
#define ABORT_SHARE      8
#define ABORT_AT_MOST_NS (250 * SL_NS_PER_MS)

/* Longest wait for the broker's answers to publishes. */
#define OUTCOMES_NS (5 * SL_NS_PER_S)

/* For what ends by itself within microseconds, even with a deadline of 0. */
#define LAST_CALL_NS (50 * SL_NS_PER_MS)

struct closing {
    struct bus *bus;
    uint64_t drain_ns;    /* CLOCK_MONOTONIC */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
    bool aborted;
    struct sl_driver_close_report report;
};

static void add_detail(struct closing *closing, const char *format, ...) SL_PRINTF(2, 3);
static void add_detail(struct closing *closing, const char *format, ...)
{
    char *detail = closing->report.detail;
    size_t used = strlen(detail);
    va_list args;
    va_start(args, format);
    (void) vsnprintf(detail + used, sizeof closing->report.detail - used, format, args);
    va_end(args);
}

/* Join until a deadline.  A thread that misses the last one is abandoned, by name. */
static bool join(struct closing *closing, struct thread *thread, uint64_t deadline_ns)
{
    if (ledger_join(thread, deadline_ns))
        return true;
    if (deadline_ns != closing->deadline_ns)
        return false;
    add_detail(closing, "%s%s",
               closing->report.threads_abandoned ? " " : "abandoned threads: ", thread->name);
    closing->report.threads_abandoned++;
    closing->report.timed_out = true;
    return false;
}

static void abort_draining(struct closing *closing)
{
    struct bus *bus = closing->bus;
    if (closing->aborted)
        return;
    closing->aborted = true;
    for (size_t i = 0; i < bus->n_topics; i++) {
        atomic_store(&bus->topics[i].abandoned, true);
        if (bus->config.mode == BUS_KEYED && bus->topics[i].pool)
            pool_abort(bus->topics[i].pool);
    }
    if (bus->unified)
        pool_abort(bus->unified);
}

static void stop_monitor(struct closing *closing)
{
    struct bus *bus = closing->bus;
    if (fault_is_set(bus->faults, FAULT_MONITOR_NOT_STOPPED))
        return;
    if (fault_is_set(bus->faults, FAULT_CLOSE_HOLDS_LOCK))
        fault_join_under_lock(bus);
    monitor_stop(bus);
    (void) join(closing, &bus->monitor, closing->deadline_ns);
}

static bool join_fetchers(struct closing *closing, uint64_t deadline_ns)
{
    bool all = true;
    for (size_t i = 0; i < closing->bus->n_topics; i++)
        all = join(closing, &closing->bus->topics[i].fetcher, deadline_ns) && all;
    return all;
}

static void stop_fetchers(struct closing *closing)
{
    struct bus *bus = closing->bus;
    if (fault_is_set(bus->faults, FAULT_ORPHAN_FETCHER))
        return;
    for (size_t i = 0; i < bus->n_topics; i++) {
        fetcher_stop(&bus->topics[i]);
        if (bus->topics[i].subscription)
            bus->transport->ops->stop(bus->topics[i].subscription);
    }
    if (join_fetchers(closing, closing->drain_ns))
        return;
    abort_draining(closing);
    (void) join_fetchers(closing, closing->deadline_ns);
}

/* Every pool once: each topic's, or the one of all. */
static struct pool *pool_at(struct bus *bus, size_t i)
{
    if (!bus->unified)
        return bus->topics[i].pool;
    return i == 0 ? bus->unified : NULL;
}

/* Backwards: workers were woken forwards, so most have ended when the last one has. */
static bool join_pools(struct closing *closing, uint64_t deadline_ns)
{
    bool all = true;
    for (size_t i = closing->bus->n_topics; i-- > 0;) {
        struct pool *pool = pool_at(closing->bus, i);
        for (uint32_t j = pool ? pool->n_workers : 0; j-- > 0;)
            all = join(closing, &pool->workers[j].thread, deadline_ns) && all;
    }
    return all;
}

static void stop_pools(struct closing *closing)
{
    struct bus *bus = closing->bus;
    if (fault_is_set(bus->faults, FAULT_CLOSE_LOCKS_OUT_HANDLERS))
        fault_end_pools_locked(bus);
    if (fault_is_set(bus->faults, FAULT_POOL_NOT_STOPPED)) {
        /* The workers go on, so let them acknowledge what they have before the connection goes. */
        while (bus->transport->ops->count_held(bus->transport) > 0 &&
               sl_clock_left_ns(closing->drain_ns) > 0)
            sl_clock_sleep_ns(SL_NS_PER_MS);
        return;
    }
    for (size_t i = 0; i < bus->n_topics; i++) {
        if (pool_at(bus, i))
            pool_end(pool_at(bus, i));
    }
    bool all = join_pools(closing, closing->drain_ns);
    if (!all) {
        abort_draining(closing);
        all = join_pools(closing, closing->deadline_ns);
    }
    for (size_t i = 0; i < bus->n_topics; i++) {
        if (pool_at(bus, i))
            pool_give_back(pool_at(bus, i));
        if (pool_at(bus, i) && all)
            pool_joined(pool_at(bus, i));
    }
}

static void finish_publishes(struct closing *closing)
{
    struct bus *bus = closing->bus;
    const struct transport_ops *ops = bus->transport->ops;

    if (fault_is_set(bus->faults, FAULT_CLOSE_WAITS_FOR_ACKS))
        fault_wait_acks(bus);
    if (!gate_wait_empty(&bus->callers, closing->deadline_ns)) {
        add_detail(closing, "%scallers of publish or flush did not return",
                   *closing->report.detail ? "; " : "");
        closing->report.timed_out = true;
        bus->kept = true;
    }
    closing->report.messages_abandoned =
        ops->count_held(bus->transport) + read_counter(&bus->counters.given_back_closing);
    closing->report.publishes_unknown =
        ops->finish(bus->transport, SL_MIN(closing->deadline_ns, sync_deadline(OUTCOMES_NS)));
}

/* What is held is kept when somebody may still read it: a worker that hangs in its handler. */
static void disconnect(struct closing *closing)
{
    struct bus *bus = closing->bus;
    const struct transport_ops *ops = bus->transport->ops;

    gate_close(&bus->users);
    for (size_t i = 0; i < bus->n_topics; i++) {
        if (bus->topics[i].subscription)
            ops->stop(bus->topics[i].subscription);
    }
    if (gate_wait_empty(&bus->users, SL_MAX(closing->deadline_ns, sync_deadline(LAST_CALL_NS))) &&
        !bus->kept) {
        ops->close(bus->transport, ledger_count(&bus->ledger) > 0);
        atomic_store(&bus->transport->connected, false);
    } else {
        /* Taking the connection away from a thread that is inside it would crash it. */
        add_detail(closing, "%sthe connection is still in use",
                   *closing->report.detail ? "; " : "");
        closing->report.timed_out = true;
        bus->kept = true;
    }
}

static void run_close(struct closing *closing)
{
    struct bus *bus = closing->bus;

    gate_close(&bus->subscribers);
    gate_close(&bus->callers);
    bus->transport->ops->interrupt(bus->transport);
    bool subscribed = gate_wait_empty(&bus->subscribers, closing->deadline_ns);
    stop_monitor(closing);
    if (subscribed) {
        if (fault_is_set(bus->faults, FAULT_FREE_BEFORE_JOIN))
            fault_free_queues(bus);
        if (fault_is_any(bus->faults, FAULTS_OF_SUBSCRIBING))
            fault_end_subscribing(bus, closing->drain_ns, closing->deadline_ns);
        stop_fetchers(closing);
        stop_pools(closing);
        if (fault_is_set(bus->faults, FAULT_SPAWN_WHILE_CLOSING))
            fault_spawn_worker(bus);
    } else {
        add_detail(closing, "a caller of subscribe did not return");
        closing->report.timed_out = true;
        bus->kept = true;
    }
    finish_publishes(closing);
    results_end(&bus->results);
    disconnect(closing);
    bus->kept = bus->kept || ledger_count(&bus->ledger) > 0;
}

/* The first caller goes on and closes; the others wait for it.  @return whether it is the first */
static bool claim_close(struct bus *bus)
{
    sync_lock(&bus->mutex);
    bool first = atomic_load(&bus->state) == BUS_RUNNING;
    if (first)
        atomic_store(&bus->state, BUS_CLOSING);
    while (!first && atomic_load(&bus->state) != BUS_CLOSED)
        (void) sync_wait_until(&bus->closed, &bus->mutex, SYNC_FOREVER);
    sync_unlock(&bus->mutex);
    return first;
}

static void publish_result(struct closing *closing)
{
    struct bus *bus = closing->bus;
    sync_lock(&bus->mutex);
    bus->close_report = closing->report;
    bus->close_status = closing->report.timed_out ? SL_ETIMEDOUT : SL_OK;
    atomic_store(&bus->state, BUS_CLOSED);
    sync_broadcast(&bus->closed);
    sync_unlock(&bus->mutex);
}

static void
fill_report(struct sl_driver_close_report *ret_report, const struct sl_driver_close_report *report)
{
    if (!ret_report)
        return;
    size_t size = ret_report->size;
    memcpy(ret_report, report, SL_MIN(size, sizeof *report));
    if (size >= sizeof ret_report->size)
        ret_report->size = size;
}

enum sl_status bus_close(struct bus *bus, uint64_t deadline_ns,
                         struct sl_driver_close_report *report, struct sl_error *err)
{
    static const struct sl_driver_close_report nothing = {.size = sizeof nothing};

    if (!bus)
        return sl_fail(err, SL_EINVAL, "no bus to close");
    fill_report(report, &nothing);
    if (fault_is_set(bus->faults, FAULT_CLOSE_SKIPPED))
        return SL_OK;
    if (scope_is_within(bus))
        return sl_fail(err, SL_EDEADLK, "cannot close the bus from one of its own threads");
    if (claim_close(bus)) {
        uint64_t wait_ns = SL_MAX(deadline_ns, LAST_CALL_NS);
        struct closing closing = {.bus = bus, .deadline_ns = sync_deadline(wait_ns)};
        closing.drain_ns =
            closing.deadline_ns - SL_MIN(wait_ns / ABORT_SHARE, ABORT_AT_MOST_NS) - 1;
        run_close(&closing);
        publish_result(&closing);
    }
    fill_report(report, &bus->close_report); /* does not change any more */
    if (bus->close_status)
        return sl_fail(err, bus->close_status, "%s", bus->close_report.detail);
    return SL_OK;
}
