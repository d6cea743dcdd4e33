/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a bus, subscribing, publishing, counters.  Closing is in close.c. */
#include <strandline/bus.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/engine/check.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/monitor.h"
#include "bus/engine/pool.h"
#include "bus/engine/pool_workers.h"
#include "bus/engine/publish.h"
#include "bus/engine/topic.h"
#include "bus/fault/hooks.h"
#include "bus/fault/open.h"
#include "bus/fault/parse.h"
#include "bus/fault/state.h"
#include "bus/nats/stream.h"
#include "bus/thread/scope.h"
#include "bus/transport_memory.h"

static const struct transport_ops *const transports[] = {
    &transport_memory,
#ifdef BUS_NATS
    &jetstream_ops,
#endif
};

static enum sl_status
find_transport(const char *name, const struct transport_ops **ret_ops, struct sl_error *err)
{
    for (size_t i = 0; name && i < SL_COUNT_OF(transports); i++) {
        if (strcmp(transports[i]->name, name) == 0) {
            *ret_ops = transports[i];
            return SL_OK;
        }
    }
    if (name && strcmp(name, "nats") == 0)
        return sl_fail(err, SL_ENOTSUP, "no transport 'nats': built without NATS");
    return sl_fail(err, SL_ENOTSUP, "no such transport '%s'", name ? name : "");
}

static uint32_t default_workers(enum bus_mode mode)
{
    long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (mode == BUS_KEYED)
        return BUS_DEFAULT_KEYED_WORKERS;
    return SL_MAX(BUS_DEFAULT_UNIFIED_WORKERS, 2 * (uint32_t) SL_MAX(n_cores, 1L));
}

static void fill_defaults(struct bus_config *config)
{
    if (config->workers == 0)
        config->workers = default_workers(config->mode);
    if (config->mode == BUS_DIRECT)
        config->workers = 0;
    if (config->queue_capacity == 0)
        config->queue_capacity = BUS_DEFAULT_QUEUE_CAPACITY;
    if (config->enqueue_wait_ns == 0)
        config->enqueue_wait_ns = BUS_DEFAULT_ENQUEUE_WAIT_NS;
    if (config->stack_size == 0)
        config->stack_size = BUS_DEFAULT_STACK_SIZE;
    if (config->max_pending == 0)
        config->max_pending = BUS_DEFAULT_MAX_PENDING;
    if (config->ack_wait_ns == 0)
        config->ack_wait_ns = BUS_DEFAULT_ACK_WAIT_NS;
    if (config->replicas == 0)
        config->replicas = 1;
    if (config->result_wait_ns == 0)
        config->result_wait_ns = BUS_DEFAULT_RESULT_WAIT_NS;
    if (!config->prefix)
        config->prefix = "bus_";
}

/* Threads of a bus with every topic subscribed. */
static uint32_t plan_threads(const struct bus_config *config)
{
    uint32_t pools = config->mode == BUS_KEYED ? (uint32_t) config->n_topics : 1;
    return (uint32_t) config->n_topics + pools * config->workers + 2; /* monitor, transport */
}

static void free_bus(struct bus *bus)
{
    for (size_t i = 0; i < bus->n_topics; i++) {
        free((char *) bus->topics[i].name);
        topic_release(&bus->topics[i]);
    }
    free(bus->topics);
    free(bus->topic_names);
    free(bus->prefix);
    free(bus->servers);
    results_release(&bus->results);
    gate_release(&bus->users);
    gate_release(&bus->callers);
    gate_release(&bus->subscribers);
    sync_cond_release(&bus->closed);
    sync_cond_release(&bus->monitor_stop);
    sync_mutex_release(&bus->mutex);
    ledger_release(&bus->ledger);
    if (fault_is_any(bus->faults, ~(fault_set) 0))
        fault_state_free(bus->fault_state);
    free(bus);
}

/* The next topic of the bus, for which there is place.  @return NULL when memory is short */
static struct topic *add_topic(struct bus *bus, const char *prefix, const char *name)
{
    struct topic *topic = &bus->topics[bus->n_topics];
    char *full = NULL;

    topic_init(topic, bus, bus->n_topics++); /* free_bus goes as far as this */
    if (asprintf(&full, "%s%s", prefix, name) < 0)
        return NULL;
    topic->name = bus->topic_names[topic->index] = full;
    return topic;
}

static bool add_topics(struct bus *bus, const struct bus_config *config)
{
    size_t n = config->dead_letter ? 2 * config->n_topics : config->n_topics;
    bus->topics = calloc(n, sizeof *bus->topics);
    bus->topic_names = calloc(n, sizeof *bus->topic_names);
    if (!bus->topics || !bus->topic_names)
        return false;
    for (size_t i = 0; i < config->n_topics; i++) {
        if (!add_topic(bus, "", config->topics[i]))
            return false;
    }
    for (size_t i = 0; config->dead_letter && i < config->n_topics; i++) {
        struct topic *dead = add_topic(bus, BUS_DEAD_PREFIX, config->topics[i]);
        if (!dead)
            return false;
        dead->is_dead = true;
        bus->topics[i].dead = dead;
    }
    return true;
}

/* A bus with its memory and no thread, or NULL. */
static struct bus *new_bus(const struct bus_config *config)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return NULL;
    sync_mutex_init(&bus->mutex);
    sync_cond_init(&bus->closed);
    sync_cond_init(&bus->monitor_stop);
    gate_init(&bus->subscribers);
    gate_init(&bus->callers);
    gate_init(&bus->users);
    ledger_init(&bus->ledger, bus, plan_threads(config), config->stack_size);
    bus->config = *config;
    bus->logger = (struct logger){.callback = config->log, .user = config->log_user};
    bus->prefix = strdup(config->prefix);
    bus->servers = config->servers ? strdup(config->servers) : NULL;
    bool copied = bus->prefix && (bus->servers || !config->servers) && add_topics(bus, config) &&
                  results_init(&bus->results, config->result_capacity);
    bus->config.transport = bus->config.servers = bus->config.prefix = bus->config.fault = NULL;
    bus->config.credentials = NULL;
    bus->config.topics = NULL;
    if (!copied) {
        free_bus(bus);
        return NULL;
    }
    return bus;
}

static enum sl_status open_transport(struct bus *bus, const struct sl_credentials *credentials,
                                     const struct transport_ops *ops, struct sl_error *err)
{
    struct transport_config config = {
        .servers = bus->servers,
        .credentials = credentials,
        .prefix = bus->prefix,
        .storage = bus->config.storage,
        .topics = bus->topic_names,
        .n_topics = bus->n_topics,
        .max_pending = bus->config.max_pending,
        .ack_wait_ns = bus->config.ack_wait_ns,
        .replicas = bus->config.replicas,
        .ledger = &bus->ledger,
        .faults = bus->faults,
        .fault_rules = bus->fault_state ? bus->fault_state->rules : NULL,
        .on_outcome = publish_settle,
        .user = bus,
    };
    return ops->open(&config, &bus->transport, err);
}

/* Undo in the opposite order; nothing was taken from the broker yet. */
static void undo_open(struct bus *bus)
{
    monitor_stop(bus);
    (void) ledger_join(&bus->monitor, SYNC_FOREVER);
    if (bus->unified)
        pool_undo(bus->unified);
    if (bus->transport) {
        (void) bus->transport->ops->finish(bus->transport, sync_deadline(SL_NS_PER_S));
        bus->transport->ops->close(bus->transport, false);
        bus->transport->ops->free(bus->transport);
    }
    free_bus(bus);
}

enum sl_status bus_open(const struct bus_config *config, struct bus **ret_bus, struct sl_error *err)
{
    struct bus_config full = {.size = sizeof full};
    const struct transport_ops *ops = NULL;
    fault_set faults = 0;
    struct fault_rule rules[N_FAULTS];

    if (!config || !ret_bus)
        return sl_fail(err, SL_EINVAL, "no configuration or no place for a bus");
    if (config->size < sizeof config->size)
        return sl_fail(err, SL_EINVAL, "the size of the configuration is not set");
    memcpy(&full, config, SL_MIN(config->size, sizeof full));
    full.size = sizeof full;
    fill_defaults(&full);
    enum sl_status status = find_transport(full.transport, &ops, err);
    if (!status)
        status = fault_parse(full.fault, full.transport, &faults, rules, err);
    if (!status)
        status = check_config(&full, err);
    if (status)
        return status;

    struct bus *bus = new_bus(&full);
    if (!bus)
        return sl_fail(err, SL_ENOMEM, "out of memory for a bus of %zu topics", full.n_topics);
    bus->faults = faults;
    if (fault_is_any(faults, ~(fault_set) 0)) {
        bus->hooks = &fault_hooks;
        status =
            fault_state_new(faults, rules, bus->topic_names, bus->n_topics, &bus->fault_state, err);
    }
    if (!status)
        status = open_transport(bus, full.credentials, ops, err);
    if (!status && full.mode == BUS_UNIFIED)
        status = pool_new_unified(bus, full.workers, full.queue_capacity, &bus->unified, err);
    if (!status)
        status = monitor_start(bus, err);
    if (!status && fault_is_any(faults, FAULTS_OF_OPENING))
        status = fault_open(bus, err);
    if (status) {
        undo_open(bus);
        return status;
    }
    *ret_bus = bus;
    return SL_OK;
}

/* Pool, subscription, fetcher.  What was made before a failure is undone by the caller. */
static enum sl_status set_up_topic(struct topic *topic, struct sl_error *err)
{
    struct bus *bus = topic->bus;
    const struct bus_config *config = &bus->config;
    enum sl_status status = topic_allocate(topic, err);

    if (status)
        return status;
    topic->pool = bus->unified;
    if (config->mode == BUS_KEYED)
        status = pool_new_keyed(bus, topic->index, config->workers, config->queue_capacity,
                                &topic->pool, err);
    if (!status)
        status =
            bus->transport->ops->subscribe(bus->transport, topic->index, &topic->subscription, err);
    if (!status)
        status = fetcher_start(topic, err);
    return status;
}

static void undo_topic(struct topic *topic)
{
    struct bus *bus = topic->bus;
    if (topic->subscription)
        bus->transport->ops->stop(topic->subscription);
    topic->subscription = NULL;
    if (topic->pool && topic->pool != bus->unified)
        pool_undo(topic->pool);
    topic->pool = NULL;
    atomic_store(&topic->subscribed, false);
}

static enum sl_status
subscribe(struct topic *topic, sl_message_handler handler, void *user, struct sl_error *err)
{
    if (atomic_exchange(&topic->subscribed, true))
        return sl_fail(err, SL_EBUSY, "topic '%s' is subscribed already", topic->name);
    topic->handler = handler;
    topic->user = user;
    enum sl_status status = set_up_topic(topic, err);
    if (status) {
        undo_topic(topic);
        return status;
    }
    topic->running = true;
    if (fault_is_any(topic->bus->faults, FAULTS_OF_SUBSCRIBING))
        return fault_subscribe(topic, err);
    return SL_OK;
}

enum sl_status bus_subscribe(struct bus *bus, const char *topic_name, sl_message_handler handler,
                             void *user, struct sl_error *err)
{
    if (!bus || !handler)
        return sl_fail(err, SL_EINVAL, "no bus or no handler to subscribe with");
    struct topic *topic = topic_find(bus, topic_name);
    if (!topic)
        return sl_fail(err, SL_ENOENT, "no topic '%s' on this bus", topic_name ? topic_name : "");
    if (!gate_enter(&bus->subscribers))
        return sl_fail(err, SL_ECLOSED, "cannot subscribe to '%s': the bus is closed", topic_name);
    enum sl_status status = subscribe(topic, handler, user, err);
    gate_leave(&bus->subscribers);
    return status;
}

void bus_stats(const struct bus *bus, struct sl_driver_stats *ret_stats)
{
    if (!bus || !ret_stats)
        return;
    const struct counters *counters = &bus->counters;
    struct sl_driver_stats stats = {
        .size = ret_stats->size,
        .delivered = read_counter(&counters->delivered),
        .redelivered = read_counter(&counters->redelivered),
        .acked = read_counter(&counters->acked),
        .handler_errors = read_counter(&counters->handler_errors),
        .queue_full = read_counter(&counters->queue_full),
        .threads = ledger_count(&bus->ledger),
    };
    memcpy(ret_stats, &stats, SL_MIN(stats.size, sizeof stats));
}

/*
 * Buses that were freed while somebody still used them.  Nobody reads this list; it
 * tells leak checkers, and people in a debugger, that the memory is kept on purpose.
 */
static struct bus *_Atomic kept_buses;

static void keep_bus(struct bus *bus)
{
    bus->next_kept = atomic_load(&kept_buses);
    while (!atomic_compare_exchange_weak(&kept_buses, &bus->next_kept, bus))
        continue;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    if (atomic_load(&bus->state) != BUS_CLOSED || bus->kept) {
        keep_bus(bus);
        return;
    }
    for (size_t i = 0; i < bus->n_topics; i++) {
        if (bus->topics[i].pool != bus->unified)
            pool_free(bus->topics[i].pool);
    }
    pool_free(bus->unified);
    bus->transport->ops->free(bus->transport);
    free_bus(bus);
}

enum sl_status bus_teardown(struct sl_error *err)
{
    enum sl_status first = SL_OK;
    for (size_t i = 0; i < SL_COUNT_OF(transports); i++) {
        enum sl_status status = transports[i]->teardown ? transports[i]->teardown(err) : SL_OK;
        if (!first)
            first = status;
    }
    return first;
}

enum sl_status bus_purge(const struct bus_config *config, struct sl_error *err)
{
    struct bus_config full = {.size = sizeof full};
    const struct transport_ops *ops = NULL;

    if (!config || config->size < sizeof config->size)
        return sl_fail(err, SL_EINVAL, "no configuration to purge with");
    memcpy(&full, config, SL_MIN(config->size, sizeof full));
    fill_defaults(&full);
    enum sl_status status = find_transport(full.transport, &ops, err);
    if (!status)
        status = check_prefix(full.prefix, err);
    if (status || !ops->purge)
        return status;
    struct transport_config purged = {
        .servers = full.servers, .credentials = full.credentials, .prefix = full.prefix};
    return ops->purge(&purged, err);
}
