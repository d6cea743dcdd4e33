/* SPDX-License-Identifier: Apache-2.0 */
/* The bus as a driver of the harness: names to numbers, one call each. */
#include <strandline/bus_fault.h>

#include <pthread.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "bus/engine/faults.h"

static enum sl_status parse_mode(const char *text, enum bus_mode *ret_mode, struct sl_error *err)
{
    static const char *const names[] = {
        [BUS_KEYED] = "keyed", [BUS_UNIFIED] = "unified", [BUS_DIRECT] = "direct"};
    for (size_t i = 0; text && i < SL_COUNT_OF(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *ret_mode = (enum bus_mode) i;
            return SL_OK;
        }
    }
    return sl_fail(err, SL_ENOTSUP, "no such mode '%s'", text ? text : "");
}

static enum sl_status
parse_storage(const char *text, enum bus_storage *ret_storage, struct sl_error *err)
{
    if (!text || strcmp(text, "memory") == 0)
        *ret_storage = BUS_STORAGE_MEMORY;
    else if (strcmp(text, "file") == 0)
        *ret_storage = BUS_STORAGE_FILE;
    else
        return sl_fail(err, SL_ENOTSUP, "no such storage '%s'", text);
    return SL_OK;
}

static enum sl_status translate(const struct sl_driver_config *config,
                                struct bus_config *ret_config, struct sl_error *err)
{
    struct sl_driver_config full = {.size = sizeof full};
    memcpy(&full, config, SL_MIN(config->size, sizeof full));
    *ret_config = (struct bus_config){
        .size = sizeof *ret_config,
        .transport = full.transport,
        .servers = full.servers,
        .prefix = full.prefix,
        .fault = full.fault,
        .topics = full.topics,
        .n_topics = full.n_topics,
        .workers = full.workers,
        .queue_capacity = full.queue_capacity,
        .enqueue_wait_ns = full.enqueue_wait_ns,
        .stack_size = full.stack_size,
        .max_pending = full.max_pending,
        .ack_wait_ns = full.ack_wait_ns,
        .on_publish = full.on_publish,
        .user = full.user,
        .replicas = full.replicas,
        .credentials = full.credentials,
    };
    enum sl_status status = parse_mode(full.mode, &ret_config->mode, err);
    return status ? status : parse_storage(full.storage, &ret_config->storage, err);
}

static enum sl_status
driver_open(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    struct bus_config own;
    struct bus *bus = NULL;
    enum sl_status status = translate(config, &own, err);
    if (!status)
        status = bus_open(&own, &bus, err);
    if (!status)
        *ret_bus = bus;
    return status;
}

static enum sl_status driver_subscribe(void *bus, const char *topic, sl_message_handler handler,
                                       void *user, struct sl_error *err)
{
    return bus_subscribe(bus, topic, handler, user, err);
}

static enum sl_status
driver_publish(void *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    return bus_publish(bus, message, token, err);
}

static enum sl_status driver_flush(void *bus, uint64_t timeout_ns, struct sl_error *err)
{
    return bus_flush(bus, timeout_ns, err);
}

static void driver_stats(void *bus, struct sl_driver_stats *ret_stats)
{
    bus_stats(bus, ret_stats);
}

static enum sl_status driver_close(void *bus, uint64_t deadline_ns,
                                   struct sl_driver_close_report *report, struct sl_error *err)
{
    return bus_close(bus, deadline_ns, report, err);
}

static void driver_destroy(void *bus)
{
    bus_free(bus);
}

static enum sl_status driver_purge(const struct sl_driver_config *config, struct sl_error *err)
{
    struct bus_config own;
    enum sl_status status = translate(config, &own, err);
    return status ? status : bus_purge(&own, err);
}

static const char *const library_modules[] = {"libnats.so", NULL};

static const struct sl_driver_witness witnesses[] = {
    {.module = "libnats.so",
     .function = NULL,
     .wait = SL_WITNESS_SOCKET,
     .text = "read loop of the NATS client"},
    {.module = NULL,
     .function = "memory_broker_main",
     .wait = SL_WITNESS_ANY,
     .text = "broker of the in-memory transport"},
    {.text = NULL},
};

static const char *const transports[] = {
#ifdef BUS_NATS
    "nats",
#endif
    "memory", NULL};
static const char *const modes[] = {"keyed", "unified", "direct", NULL};
static const char *const settings[] = {
    "workers", "queue_capacity", "enqueue_wait_ns", "stack_size", "storage", "replicas", NULL};
static const struct sl_driver_arg no_args[] = {{0}};

/* Of bus_faults() those that can be injected; made when the driver is asked for. */
static struct sl_driver_fault faults[N_FAULTS + 1];

static void list_faults(void)
{
    size_t n = 0;
    for (const struct bus_fault_info *from = bus_faults(); from->name; from++)
        if (!from->absent)
            faults[n++] = (struct sl_driver_fault){from->name, from->keys, from->mechanism};
}

static const struct sl_driver driver = {
    .abi = SL_DRIVER_ABI,
    .name = "strandline-bus",
    .version = BUS_VERSION,
    .library_modules = library_modules,
    .witnesses = witnesses,
    .open = driver_open,
    .subscribe = driver_subscribe,
    .publish = driver_publish,
    .flush = driver_flush,
    .stats = driver_stats,
    .close = driver_close,
    .destroy = driver_destroy,
    .teardown = bus_teardown,
    .purge = driver_purge,
    .transports = transports,
    .modes = modes,
    .settings = settings,
    .faults = faults,
    .args = no_args,
};

const char *bus_version(void)
{
    return BUS_VERSION;
}

const struct sl_driver *bus_driver(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, list_faults);
    return &driver;
}
