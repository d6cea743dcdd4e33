/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Example driver: a bus in memory with one queue and one thread, which delivers
 * everything in the order in which it was published.
 *
 *     cc -shared -fPIC -pthread -I include -o driver_simple.so examples/driver_simple.c
 *     strandline run low --driver ./driver_simple.so
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strandline/driver.h>

struct topic {
    struct topic *next;
    sl_message_handler handler;
    void *user;
    char name[];
};

struct item {
    struct item *next;
    struct topic *topic;
    struct sl_message message;
    char bytes[]; /* key, then payload */
};

struct bus {
    struct topic *topics; /* all subscribed before the first publish */
    sl_publish_callback on_publish;
    void *user;
    pthread_t thread;
    bool closed, abandoned;
    pthread_mutex_t mutex; /* the rest; no other lock is taken under it */
    pthread_cond_t changed;
    struct item *first, **last;
    bool closing;
};

static enum sl_status fail(struct sl_error *err, enum sl_status status, const char *text)
{
    err->status = status;
    (void) snprintf(err->text, sizeof err->text, "%s", text);
    return status;
}

static void *deliver(void *argument)
{
    for (struct bus *bus = argument;;) {
        pthread_mutex_lock(&bus->mutex);
        while (!bus->first && !bus->closing)
            pthread_cond_wait(&bus->changed, &bus->mutex);
        struct item *item = bus->first;
        if (item && !(bus->first = item->next))
            bus->last = &bus->first;
        bool closing = bus->closing;
        pthread_mutex_unlock(&bus->mutex);
        if (!item)
            return NULL; /* closing, and everything was delivered */
        do
            item->message.deliveries++;
        while (item->topic->handler(item->topic->user, &item->message) && !closing);
        free(item);
    }
}

static enum sl_status
bus_open(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return fail(err, SL_ENOMEM, "no memory for a bus");
    pthread_mutex_init(&bus->mutex, NULL);
    pthread_cond_init(&bus->changed, NULL);
    bus->last = &bus->first;
    bus->on_publish = config->on_publish;
    bus->user = config->user;
    if (pthread_create(&bus->thread, NULL, deliver, bus) != 0) {
        free(bus);
        return fail(err, SL_ELIMIT, "cannot create the delivery thread");
    }
    *ret_bus = bus;
    return SL_OK;
}

static enum sl_status bus_subscribe(void *object, const char *name, sl_message_handler handler,
                                    void *user, struct sl_error *err)
{
    struct bus *bus = object;
    struct topic *topic = malloc(sizeof *topic + strlen(name) + 1);
    if (!topic)
        return fail(err, SL_ENOMEM, "no memory for a topic");
    *topic = (struct topic){.next = bus->topics, .handler = handler, .user = user};
    strcpy(topic->name, name);
    bus->topics = topic;
    return SL_OK;
}

static enum sl_status
bus_publish(void *object, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    struct bus *bus = object;
    struct topic *topic = bus->topics;
    while (topic && strcmp(topic->name, message->topic) != 0)
        topic = topic->next;
    if (!topic)
        return fail(err, SL_ENOENT, "nobody subscribed to the topic");
    size_t key_size = message->key ? strlen(message->key) + 1 : 0;
    struct item *item = malloc(sizeof *item + key_size + message->payload_size);
    if (!item)
        return fail(err, SL_ENOMEM, "no memory for a message");
    *item = (struct item){.topic = topic, .message = *message};
    item->message.topic = topic->name;
    item->message.key = message->key ? memcpy(item->bytes, message->key, key_size) : NULL;
    item->message.payload = memcpy(item->bytes + key_size, message->payload, message->payload_size);
    item->message.deliveries = 0;

    pthread_mutex_lock(&bus->mutex);
    *bus->last = item;
    bus->last = &item->next;
    pthread_cond_signal(&bus->changed);
    pthread_mutex_unlock(&bus->mutex);
    bus->on_publish(bus->user, token, SL_PUBLISH_ACCEPTED);
    return SL_OK;
}

static enum sl_status bus_flush(void *bus, uint64_t timeout_ns, struct sl_error *err)
{
    (void) bus, (void) timeout_ns, (void) err;
    return SL_OK; /* publish itself gives every outcome */
}

static void bus_stats(void *object, struct sl_driver_stats *ret_stats)
{
    const struct bus *bus = object;
    ret_stats->threads = !bus->closed || bus->abandoned;
}

static enum sl_status bus_close(void *object, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    struct bus *bus = object;
    if (!bus->closed) {
        struct timespec until;
        pthread_mutex_lock(&bus->mutex);
        bus->closing = true;
        pthread_cond_signal(&bus->changed);
        pthread_mutex_unlock(&bus->mutex);
        (void) clock_gettime(CLOCK_MONOTONIC, &until);
        deadline_ns += (uint64_t) until.tv_nsec;
        until.tv_sec += (time_t) (deadline_ns / 1000000000);
        until.tv_nsec = (long) (deadline_ns % 1000000000);
        bus->abandoned = pthread_clockjoin_np(bus->thread, NULL, CLOCK_MONOTONIC, &until) != 0;
        bus->closed = true;
    }
    report->timed_out = bus->abandoned;
    report->threads_abandoned = bus->abandoned;
    return bus->abandoned ? fail(err, SL_ETIMEDOUT, "the delivery thread did not end") : SL_OK;
}

static void bus_destroy(void *object)
{
    struct bus *bus = object;
    if (bus->abandoned)
        return; /* its thread still uses everything */
    for (struct topic *topic = bus->topics, *next; topic; topic = next) {
        next = topic->next;
        free(topic);
    }
    free(bus);
}

const struct sl_driver *strandline_driver(void)
{
    static const char *const transports[] = {"memory", NULL};
    static const char *const modes[] = {"direct", NULL}; /* handled on the thread that delivers */
    static const char *const no_settings[] = {NULL};
    static const struct sl_driver_witness witnesses[] = {
        {.function = "deliver", .text = "delivery thread of the bus"}, {0}};
    static const struct sl_driver_fault no_faults[] = {{0}};
    static const struct sl_driver_arg no_args[] = {{0}};
    static const struct sl_driver driver = {
        .abi = SL_DRIVER_ABI,
        .name = "simple",
        .version = "1",
        .witnesses = witnesses,
        .open = bus_open,
        .subscribe = bus_subscribe,
        .publish = bus_publish,
        .flush = bus_flush,
        .stats = bus_stats,
        .close = bus_close,
        .destroy = bus_destroy,
        .transports = transports,
        .modes = modes,
        .settings = no_settings,
        .faults = no_faults,
        .args = no_args,
    };
    return &driver;
}
