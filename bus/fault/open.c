/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/open.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/pool_workers.h"
#include "bus/engine/topic.h"
#include "bus/fault/state.h"
#include "bus/fault/thread.h"

static enum sl_status
copy_topic(const struct topic *topic, struct topic *twin, struct sl_error *err)
{
    struct bus *bus = topic->bus;

    topic_init(twin, bus, topic->index);
    twin->name = topic->name;
    twin->handler = topic->handler;
    twin->user = topic->user;
    twin->running = true;
    twin->pool = topic->pool;
    twin->fault.is_twin = true;
    enum sl_status status = topic_allocate(twin, err);
    if (status)
        return status;
    return bus->transport->ops->subscribe(bus->transport, twin->index, &twin->subscription, err);
}

enum sl_status fault_twin_new(struct topic *topic, bool survives, bool start,
                              struct topic **ret_twin, struct sl_error *err)
{
    struct fault_state *state = topic->bus->fault_state;
    struct fault_twin *twin = calloc(1, sizeof *twin);
    struct topic *copy = calloc(1, sizeof *copy);
    if (!twin || !copy) {
        free(twin);
        free(copy);
        return sl_fail(err, SL_ENOMEM, "out of memory for another fetcher of '%s'", topic->name);
    }
    *twin = (struct fault_twin){.topic = copy, .survives = survives};
    enum sl_status status = copy_topic(topic, copy, err);
    if (!status && start)
        status = fetcher_start(copy, err);
    if (status) {
        fault_twin_free(twin);
        return status;
    }
    sync_lock(&state->mutex);
    twin->next = state->twins;
    state->twins = twin;
    sync_unlock(&state->mutex);
    *ret_twin = copy;
    return SL_OK;
}

/* Until the process ends: nobody signals this condition. */
__attribute__((noinline)) static void fault_helper_wait(void *argument)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t work = PTHREAD_COND_INITIALIZER;

    (void) argument;
    sync_lock(&mutex);
    for (;;)
        (void) sync_wait_until(&work, &mutex, SYNC_FOREVER);
}

/* Takes the lock, as one that may be called at any time has to. */
__attribute__((noinline)) static void fault_start_check(struct bus *bus)
{
    sync_lock(&bus->mutex);
    bus->monitor_stopping = false;
    sync_unlock(&bus->mutex);
}

static void start_under_lock(struct bus *bus)
{
    sync_lock(&bus->mutex);
    fault_start_check(bus);
    sync_unlock(&bus->mutex);
}

enum sl_status fault_open(struct bus *bus, struct sl_error *err)
{
    if (fault_is_set(bus->faults, FAULT_START_SELF_DEADLOCK))
        start_under_lock(bus);
    if (fault_is_set(bus->faults, FAULT_HELPER_THREAD_PER_BUS))
        return fault_thread_start(bus, "helper", fault_helper_wait, NULL, err);
    return SL_OK;
}

static enum sl_status add_idle_pool(struct topic *topic, struct sl_error *err)
{
    struct bus *bus = topic->bus;
    struct fault_state *state = bus->fault_state;
    uint32_t n_workers = (uint32_t) state->rules[FAULT_IDLE_DOUBLE_POOL].workers;
    if (n_workers == 0)
        n_workers = bus->config.workers ? bus->config.workers : BUS_DEFAULT_UNIFIED_WORKERS;
    struct fault_pool *idle = calloc(1, sizeof *idle);
    if (!idle)
        return sl_fail(err, SL_ENOMEM, "out of memory for an idle pool");

    sync_lock(&bus->ledger.mutex);
    bus->ledger.n_planned += n_workers;
    sync_unlock(&bus->ledger.mutex);
    enum sl_status status =
        pool_new_keyed(bus, topic->index, n_workers, bus->config.queue_capacity, &idle->pool, err);
    if (status) {
        free(idle);
        return status;
    }
    sync_lock(&state->mutex);
    idle->next = state->pools;
    state->pools = idle;
    sync_unlock(&state->mutex);
    return SL_OK;
}

/* In a thread of the ledger, as if a fetcher was started so late. */
static void late_caller_main(void *argument)
{
    struct topic *late = argument;
    struct bus *bus = late->bus;

    sync_lock(&bus->mutex);
    while (atomic_load(&bus->state) != BUS_CLOSED)
        (void) sync_wait_until(&bus->closed, &bus->mutex, SYNC_FOREVER);
    sync_unlock(&bus->mutex);
    fetcher_main(late);
}

/* The caller has been let in; it registers when Close has gone past. */
static enum sl_status register_late(struct topic *topic, struct sl_error *err)
{
    struct topic *late = NULL;
    enum sl_status status = fault_twin_new(topic, true, false, &late, err);
    if (status)
        return status;
    return ledger_start(&topic->bus->ledger, &late->fetcher, late_caller_main, late, err,
                        "late-%zu", topic->index);
}

enum sl_status fault_subscribe(struct topic *topic, struct sl_error *err)
{
    struct bus *bus = topic->bus;
    struct topic *twin;
    enum sl_status status = SL_OK;

    if (fault_is_set(bus->faults, FAULT_IDLE_DOUBLE_POOL))
        status = add_idle_pool(topic, err);
    if (!status && fault_is_set(bus->faults, FAULT_SHARED_DURABLE))
        status = fault_twin_new(topic, false, true, &twin, err);
    if (!status && fault_is_set(bus->faults, FAULT_LATE_REGISTRATION) &&
        fault_covers(&bus->fault_state->rules[FAULT_LATE_REGISTRATION], topic->name))
        status = register_late(topic, err);
    return status;
}
