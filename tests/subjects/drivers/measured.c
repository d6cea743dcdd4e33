/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver that tempts a harness into each known way of measuring wrongly.  Messages are kept until
 * flush, which delivers them as config->fault says; one thread of the bus, bus_thread, lives from
 * open to Close.
 *
 *     close-lies        Close returns at once: what stays is measured before it ran
 *     never-subscribes  subscribe does nothing, and what is accepted goes nowhere
 *     refuses-all       the same, and publish says so
 *     sleeps            open, flush, when all was delivered, and Close take 300 ms more
 *     hops              the messages of a key are handled in order, each by another thread
 *     two-at-once       the same, two of a key at a time
 *     keys-apart        all messages of one key, then all of another, the key seen last first
 *     again             each third message is delivered twice
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strandline/driver.h>

struct item {
    struct sl_message message;
    char *topic, *key;
    void *payload;
};

static struct {
    char fault[64];
    sl_publish_callback on_publish;
    void *user;
    sl_message_handler handler;
    void *handler_user;
    struct item *items;
    size_t n_items;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closing;
} bus = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool is(const char *name)
{
    return strcmp(bus.fault, name) == 0;
}

static void sleep_if_it_does(void)
{
    if (is("sleeps"))
        (void) nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
}

static void *bus_thread(void *argument)
{
    pthread_mutex_lock(&bus.mutex);
    while (!bus.closing)
        pthread_cond_wait(&bus.changed, &bus.mutex);
    pthread_mutex_unlock(&bus.mutex);
    return argument;
}

static enum sl_status
open_bus(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    (void) snprintf(bus.fault, sizeof bus.fault, "%s", config->fault ? config->fault : "");
    bus.on_publish = config->on_publish;
    bus.user = config->user;
    *ret_bus = &bus;
    sleep_if_it_does();
    if (pthread_create(&bus.thread, NULL, bus_thread, NULL) == 0)
        return SL_OK;
    err->status = SL_ELIMIT;
    return SL_ELIMIT;
}

static enum sl_status subscribe(void *object, const char *topic, sl_message_handler handler,
                                void *user, struct sl_error *err)
{
    (void) object, (void) topic, (void) err;
    bus.handler = handler;
    bus.handler_user = user;
    return SL_OK;
}

static void keep(const struct sl_message *message)
{
    struct item *items = realloc(bus.items, (bus.n_items + 1) * sizeof *items);
    struct item *item = &items[bus.n_items++];

    bus.items = items;
    *item = (struct item){.message = *message,
                          .topic = strdup(message->topic),
                          .key = strdup(message->key),
                          .payload = malloc(message->payload_size)};
    memcpy(item->payload, message->payload, message->payload_size);
}

/* One thread publishes. */
static enum sl_status
publish(void *object, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    (void) object, (void) err;
    if (!is("never-subscribes") && !is("refuses-all"))
        keep(message);
    bus.on_publish(bus.user, token, is("refuses-all") ? SL_PUBLISH_REJECTED : SL_PUBLISH_ACCEPTED);
    return SL_OK;
}

static void *deliver(void *argument)
{
    const struct item *item = argument;
    struct sl_message message = item->message;

    message.topic = item->topic;
    message.key = item->key;
    message.payload = item->payload;
    message.deliveries++;
    (void) bus.handler(bus.handler_user, &message);
    return NULL;
}

static void deliver_again(struct item *item)
{
    item->message.deliveries = 1;
    (void) deliver(item);
}

/* Begin with this one and leave the threads behind it to the caller. */
static void deliver_on_threads(struct item *items, size_t n)
{
    pthread_t threads[2];

    for (size_t i = 0; i < n; i++)
        (void) pthread_create(&threads[i], NULL, deliver, &items[i]);
    for (size_t i = 0; i < n; i++)
        (void) pthread_join(threads[i], NULL);
}

/* The key of the last message first; within a key, as published. */
static void deliver_keys_apart(void)
{
    bool *done = calloc(bus.n_items, sizeof *done);

    for (size_t last = bus.n_items; last-- > 0;)
        for (size_t i = 0; i < bus.n_items && !done[last]; i++) {
            if (done[i] || strcmp(bus.items[i].key, bus.items[last].key) != 0)
                continue;
            (void) deliver(&bus.items[i]);
            done[i] = true;
        }
    free(done);
}

static enum sl_status flush(void *object, uint64_t timeout_ns, struct sl_error *err)
{
    (void) object, (void) timeout_ns, (void) err;
    if (is("keys-apart")) {
        deliver_keys_apart();
        return SL_OK;
    }
    for (size_t i = 0; i < bus.n_items; i++) {
        bool pair = is("two-at-once") && i + 1 < bus.n_items &&
                    strcmp(bus.items[i].key, bus.items[i + 1].key) == 0;
        if (is("hops") || pair)
            deliver_on_threads(&bus.items[i], pair ? 2 : 1);
        else
            (void) deliver(&bus.items[i]);
        i += pair;
        if (is("again") && i % 3 == 0)
            deliver_again(&bus.items[i]);
    }
    sleep_if_it_does();
    return SL_OK;
}

static void stats(void *object, struct sl_driver_stats *ret_stats)
{
    (void) object;
    ret_stats->threads = 1;
}

static enum sl_status close_bus(void *object, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    (void) object, (void) deadline_ns, (void) report, (void) err;
    if (is("close-lies"))
        return SL_OK;
    pthread_mutex_lock(&bus.mutex);
    bus.closing = true;
    pthread_cond_signal(&bus.changed);
    pthread_mutex_unlock(&bus.mutex);
    (void) pthread_join(bus.thread, NULL);
    sleep_if_it_does();
    return SL_OK;
}

static void destroy(void *object)
{
    (void) object;
}

const struct sl_driver *strandline_driver(void)
{
    static const char *const transports[] = {"memory", NULL}, *const modes[] = {"direct", NULL};
    static const struct sl_driver_witness witnesses[] = {
        {.function = "bus_thread", .text = "thread of the bus"}, {0}};
    static const struct sl_driver driver = {
        .abi = SL_DRIVER_ABI,
        .name = "measured",
        .version = "1",
        .witnesses = witnesses,
        .open = open_bus,
        .subscribe = subscribe,
        .publish = publish,
        .flush = flush,
        .stats = stats,
        .close = close_bus,
        .destroy = destroy,
        .transports = transports,
        .modes = modes,
    };
    return &driver;
}
