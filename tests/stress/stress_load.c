/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole loads against a toy bus with many threads: four publishers, eight workers
 * that own keys, two threads that answer publishes late, every ninth message
 * delivered twice.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "harness/load/load.h"
#include "stress.h"

#define N_WORKERS   8
#define N_ANSWERERS 2
#define N_ROUNDS    10

struct item {
    struct item *next;
    struct sl_message message;
    uint64_t token;
    char payload[64];
};

struct queue {
    struct toy *toy;
    pthread_t thread;
    pthread_mutex_t mutex; /* first, last, closed; no other lock is taken under it */
    pthread_cond_t changed;
    struct item *first, **last;
    bool closed;
};

struct toy {
    sl_publish_callback on_publish;
    void *user;
    sl_message_handler handler;
    void *handler_user;
    _Atomic uint64_t answered, published;
    struct queue workers[N_WORKERS], answerers[N_ANSWERERS];
};

static void push(struct queue *queue, struct item *item)
{
    EXPECT(pthread_mutex_lock(&queue->mutex) == 0);
    *queue->last = item;
    queue->last = &item->next;
    EXPECT(pthread_cond_signal(&queue->changed) == 0);
    EXPECT(pthread_mutex_unlock(&queue->mutex) == 0);
}

/* @return NULL when the queue is empty and closed */
static struct item *pop(struct queue *queue)
{
    EXPECT(pthread_mutex_lock(&queue->mutex) == 0);
    while (!queue->first && !queue->closed)
        EXPECT(pthread_cond_wait(&queue->changed, &queue->mutex) == 0);
    struct item *item = queue->first;
    if (item) {
        queue->first = item->next;
        if (!queue->first)
            queue->last = &queue->first;
    }
    EXPECT(pthread_mutex_unlock(&queue->mutex) == 0);
    return item;
}

static void *work(void *argument)
{
    struct queue *queue = argument;
    struct toy *toy = queue->toy;
    for (struct item *item; (item = pop(queue)); free(item)) {
        item->message.deliveries = 1;
        EXPECT(toy->handler(toy->handler_user, &item->message) == SL_OK);
        item->message.deliveries = 2;
        if (item->token % 9 == 0)
            EXPECT(toy->handler(toy->handler_user, &item->message) == SL_OK);
    }
    return NULL;
}

static void *answer(void *argument)
{
    struct queue *queue = argument;
    struct toy *toy = queue->toy;
    for (struct item *item; (item = pop(queue)); free(item)) {
        toy->on_publish(toy->user, item->token, SL_PUBLISH_ACCEPTED);
        atomic_fetch_add(&toy->answered, 1);
    }
    return NULL;
}

static void start(struct toy *toy, struct queue *queue, void *(*function)(void *) )
{
    queue->toy = toy;
    queue->last = &queue->first;
    EXPECT(pthread_mutex_init(&queue->mutex, NULL) == 0);
    EXPECT(pthread_cond_init(&queue->changed, NULL) == 0);
    EXPECT(pthread_create(&queue->thread, NULL, function, queue) == 0);
}

static void stop(struct queue *queue)
{
    EXPECT(pthread_mutex_lock(&queue->mutex) == 0);
    queue->closed = true;
    EXPECT(pthread_cond_signal(&queue->changed) == 0);
    EXPECT(pthread_mutex_unlock(&queue->mutex) == 0);
    EXPECT(pthread_join(queue->thread, NULL) == 0);
    EXPECT(pthread_cond_destroy(&queue->changed) == 0);
    EXPECT(pthread_mutex_destroy(&queue->mutex) == 0);
}

static enum sl_status
toy_open(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    (void) err;
    struct toy *toy = calloc(1, sizeof *toy);
    EXPECT(toy);
    toy->on_publish = config->on_publish;
    toy->user = config->user;
    for (int i = 0; i < N_WORKERS; i++)
        start(toy, &toy->workers[i], work);
    for (int i = 0; i < N_ANSWERERS; i++)
        start(toy, &toy->answerers[i], answer);
    *ret_bus = toy;
    return SL_OK;
}

static enum sl_status toy_subscribe(void *bus, const char *topic, sl_message_handler handler,
                                    void *user, struct sl_error *err)
{
    (void) topic, (void) err;
    struct toy *toy = bus;
    toy->handler = handler;
    toy->handler_user = user;
    return SL_OK;
}

static enum sl_status
toy_publish(void *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    (void) err;
    struct toy *toy = bus;
    struct item *item = calloc(1, sizeof *item), *note = calloc(1, sizeof *note);
    EXPECT(item && note && message->payload_size == sizeof item->payload);
    item->message = *message; /* topic and key are of the load plan, which lives longer */
    item->message.payload = memcpy(item->payload, message->payload, message->payload_size);
    item->token = note->token = token;
    uint32_t hash = sl_fnv32(SL_FNV32_BASIS, message->key, strlen(message->key));
    atomic_fetch_add(&toy->published, 1);
    push(&toy->workers[hash % N_WORKERS], item);
    push(&toy->answerers[token % N_ANSWERERS], note);
    return SL_OK;
}

static enum sl_status toy_flush(void *bus, uint64_t timeout_ns, struct sl_error *err)
{
    (void) timeout_ns, (void) err;
    struct toy *toy = bus;
    while (atomic_load(&toy->answered) < atomic_load(&toy->published))
        sl_clock_sleep_ns(SL_NS_PER_MS);
    return SL_OK;
}

static void toy_close(struct toy *toy)
{
    for (int i = 0; i < N_WORKERS; i++)
        stop(&toy->workers[i]);
    for (int i = 0; i < N_ANSWERERS; i++)
        stop(&toy->answerers[i]);
    free(toy);
}

static const struct sl_driver toy_driver = {
    .open = toy_open, .subscribe = toy_subscribe, .publish = toy_publish, .flush = toy_flush};

static void play(uint64_t seed)
{
    const struct sl_scenario_load settings = {
        .events = 5000,
        .topics = 3,
        .aggregates = 30,
        .payload = 64,
        .publishers = 4,
        .rate = seed % 2 ? 0 : 50000,
        .timeout_ns = 300 * SL_NS_PER_S,
    };
    const struct sl_load_opts opts = {.load = &settings, .prefix = "stress", .seed = seed};
    struct sl_driver_config driver_config = {.size = sizeof driver_config};
    struct sl_load_record record = {0};
    struct sl_load *load;
    struct sl_error err = {0};
    void *bus;

    EXPECT(sl_load_new(&opts, &load, &err) == SL_OK);
    sl_load_configure(load, &driver_config);
    EXPECT(toy_open(&driver_config, &bus, &err) == SL_OK);
    EXPECT(sl_load_subscribe(load, &toy_driver, bus, &err) == SL_OK);
    EXPECT(sl_load_run(load, &toy_driver, bus, &err) == SL_OK);
    sl_load_record(load, &record);
    EXPECT(record.counts.published == 5000 && record.counts.handled == 5000 && !record.timed_out);
    toy_close(bus);
    sl_load_record(load, &record);
    EXPECT(record.counts.handled == 5000 && record.counts.rejected == 0 &&
           record.counts.unknown == 0);
    EXPECT(record.counts.order_violations == 0);
    EXPECT(record.counts.redelivered == (5000 + 8) / 9);
    EXPECT(record.counts.handler_calls == record.counts.handled + record.counts.redelivered);
    EXPECT(record.publish_latency.count == 5000 && record.end_to_end.count == 5000);
    EXPECT(sl_load_check(load, &err) == SL_OK);
    sl_load_free(load);
}

int main(void)
{
    for (uint64_t seed = 1; seed <= N_ROUNDS; seed++)
        play(seed);
    return 0;
}
