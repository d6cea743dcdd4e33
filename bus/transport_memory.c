/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In-memory transport: a broker inside the process, with the semantics of the real
 * one.  Per topic a log, explicit acknowledgement, redelivery of what nobody
 * acknowledged or extended in time.
 *
 * A record is in one list of its topic, or in none once it is acknowledged.  It may
 * be held by several fetches at once, after a redelivery; the last one to let an
 * acknowledged record go frees it.
 */
#include "bus/transport_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/sync.h"

/* How often the broker looks for what to redeliver, unless it is told. */
#define BROKER_PERIOD_NS (250 * SL_NS_PER_MS)

enum record_state { RECORD_READY, RECORD_HELD, RECORD_DELAYED, RECORD_DONE };

/* First member of a record, and head of the ring of records in one state. */
struct list {
    struct list *next, *previous;
};

struct record {
    struct list link;
    uint64_t due_ns; /* held, delayed: when to redeliver */
    enum record_state state;
    uint32_t n_holders; /* fetches that returned it and have not let it go */
    uint32_t deliveries;
    uint32_t hash;
    size_t payload_size;
    size_t key_size; /* with its NUL; 0: no key */
    char bytes[];    /* key, payload */
};

struct memory_topic {
    struct subscription base;
    pthread_mutex_t mutex; /* guards everything below; taken alone */
    pthread_cond_t not_empty;
    struct list ready, held, delayed;
    uint64_t n_ready; /* records in `ready` */
    uint64_t n_held;  /* deliveries fetched and not let go */
    bool fetcher_waits;
    bool stopped;
};

struct memory_transport {
    struct transport base;
    struct memory_topic *topics;
    size_t n_topics;
    uint64_t ack_wait_ns;
    void (*on_outcome)(void *user, struct ticket ticket, enum sl_publish_outcome outcome);
    void *user;
    struct thread broker;
    pthread_mutex_t mutex; /* guards the two below; taken alone */
    pthread_cond_t changed;
    bool ending;
    uint64_t wake_ns; /* when the broker has to look again */
};

static void list_init(struct list *list)
{
    list->next = list->previous = list;
}

static bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

static struct record *record_at(struct list *link)
{
    return (struct record *) link;
}

/* Before `place`, which is the ring's head for the last one. */
static void list_insert(struct list *place, struct record *record)
{
    record->link.next = place;
    record->link.previous = place->previous;
    record->link.previous->next = &record->link;
    place->previous = &record->link;
}

static void list_remove(struct record *record)
{
    record->link.previous->next = record->link.next;
    record->link.next->previous = record->link.previous;
}

static void list_free(struct list *list)
{
    for (struct list *link = list->next, *next; link != list; link = next) {
        next = link->next;
        free(record_at(link));
    }
}

/* Redelivery comes before what was never delivered. */
static void make_ready(struct memory_topic *topic, struct record *record)
{
    list_remove(record);
    record->state = RECORD_READY;
    struct list *place = topic->ready.next;
    while (place != &topic->ready && record_at(place)->deliveries > 0)
        place = place->next;
    list_insert(place, record);
    topic->n_ready++;
}

/* Move what is due from a list to the ready ones.  @return when the next one will be */
static uint64_t expire(struct memory_topic *topic, struct list *list, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (struct list *link = list->next, *next; link != list; link = next) {
        struct record *record = record_at(link);
        next = link->next;
        if (record->due_ns <= now_ns)
            make_ready(topic, record);
        else
            next_ns = SL_MIN(next_ns, record->due_ns);
    }
    return next_ns;
}

static uint64_t expire_topic(struct memory_topic *topic, uint64_t now_ns)
{
    sync_lock(&topic->mutex);
    uint64_t held_ns = expire(topic, &topic->held, now_ns);
    uint64_t delayed_ns = expire(topic, &topic->delayed, now_ns);
    bool wake = topic->fetcher_waits && !list_is_empty(&topic->ready);
    sync_unlock(&topic->mutex);
    if (wake)
        sync_signal(&topic->not_empty);
    return SL_MIN(held_ns, delayed_ns);
}

/* @return false when the transport ends */
static bool broker_sleep(struct memory_transport *broker)
{
    bool in_time = true;
    sync_lock(&broker->mutex);
    while (!broker->ending && in_time)
        in_time = sync_wait_until(&broker->changed, &broker->mutex, broker->wake_ns);
    bool go_on = !broker->ending;
    broker->wake_ns = sl_clock_now_ns() + BROKER_PERIOD_NS;
    sync_unlock(&broker->mutex);
    return go_on;
}

static void wake_broker_at(struct memory_transport *broker, uint64_t wake_ns)
{
    sync_lock(&broker->mutex);
    if (wake_ns < broker->wake_ns) {
        broker->wake_ns = wake_ns;
        sync_signal(&broker->changed);
    }
    sync_unlock(&broker->mutex);
}

/* Also the witness of an effective close: while it is on a stack, the broker lives. */
__attribute__((noinline)) static void memory_broker_main(void *argument)
{
    struct memory_transport *broker = argument;
    while (broker_sleep(broker)) {
        uint64_t now_ns = sl_clock_now_ns(), next_ns = UINT64_MAX;
        for (size_t i = 0; i < broker->n_topics; i++)
            next_ns = SL_MIN(next_ns, expire_topic(&broker->topics[i], now_ns));
        wake_broker_at(broker, next_ns);
    }
}

static void memory_free(struct transport *transport)
{
    struct memory_transport *broker = (struct memory_transport *) transport;
    for (size_t i = 0; i < broker->n_topics; i++) {
        struct memory_topic *topic = &broker->topics[i];
        list_free(&topic->ready);
        list_free(&topic->held);
        list_free(&topic->delayed);
        sync_cond_release(&topic->not_empty);
        sync_mutex_release(&topic->mutex);
    }
    sync_cond_release(&broker->changed);
    sync_mutex_release(&broker->mutex);
    free(broker->topics);
    free(broker);
}

static enum sl_status memory_open(const struct transport_config *config,
                                  struct transport **ret_transport, struct sl_error *err)
{
    struct memory_transport *broker = calloc(1, sizeof *broker);
    struct memory_topic *topics = calloc(config->n_topics, sizeof *topics);
    if (!broker || !topics) {
        free(topics);
        free(broker);
        return sl_fail(err, SL_ENOMEM, "out of memory for a broker of %zu topics",
                       config->n_topics);
    }
    *broker = (struct memory_transport){
        .base = {.ops = &transport_memory, .connected = true},
        .topics = topics,
        .n_topics = config->n_topics,
        .ack_wait_ns = config->ack_wait_ns,
        .on_outcome = config->on_outcome,
        .user = config->user,
        .wake_ns = sl_clock_now_ns() + BROKER_PERIOD_NS,
    };
    sync_mutex_init(&broker->mutex);
    sync_cond_init(&broker->changed);
    for (size_t i = 0; i < config->n_topics; i++) {
        topics[i].base.transport = &broker->base;
        sync_mutex_init(&topics[i].mutex);
        sync_cond_init(&topics[i].not_empty);
        list_init(&topics[i].ready);
        list_init(&topics[i].held);
        list_init(&topics[i].delayed);
    }
    enum sl_status status =
        ledger_start(config->ledger, &broker->broker, memory_broker_main, broker, err, "broker");
    if (status) {
        memory_free(&broker->base);
        return status;
    }
    *ret_transport = &broker->base;
    return SL_OK;
}

static enum sl_status memory_subscribe(struct transport *transport, size_t index,
                                       struct subscription **ret_subscription, struct sl_error *err)
{
    struct memory_transport *broker = (struct memory_transport *) transport;
    struct memory_topic *topic = &broker->topics[index];
    (void) err;
    sync_lock(&topic->mutex);
    topic->stopped = false;
    sync_unlock(&topic->mutex);
    *ret_subscription = &topic->base;
    return SL_OK;
}

/* With the mutex held: wait until there is something to fetch, or the topic is stopped. */
static void wait_ready(struct memory_topic *topic)
{
    while (list_is_empty(&topic->ready) && !topic->stopped) {
        topic->fetcher_waits = true;
        (void) sync_wait_until(&topic->not_empty, &topic->mutex, SYNC_FOREVER);
    }
    topic->fetcher_waits = false;
}

static void hold_record(struct memory_topic *topic, struct record *record, uint64_t due_ns,
                        struct delivery *ret_delivery)
{
    list_remove(record);
    topic->n_ready--;
    record->state = RECORD_HELD;
    record->due_ns = due_ns;
    record->deliveries++;
    record->n_holders++;
    list_insert(&topic->held, record);
    topic->n_held++;
    *ret_delivery = (struct delivery){
        .message = {.key = record->key_size ? record->bytes : NULL,
                    .payload = record->bytes + record->key_size,
                    .payload_size = record->payload_size,
                    .deliveries = record->deliveries},
        .handle = record,
        .hash = record->hash,
    };
}

static enum sl_status memory_fetch(struct subscription *subscription,
                                   struct delivery *ret_deliveries, size_t max, size_t *ret_n)
{
    struct memory_topic *topic = (struct memory_topic *) subscription;
    struct memory_transport *broker = (struct memory_transport *) subscription->transport;
    size_t n = 0;

    sync_lock(&topic->mutex);
    wait_ready(topic);
    bool stopped = topic->stopped;
    uint64_t now_ns = sl_clock_now_ns();
    while (!stopped && n < max && !list_is_empty(&topic->ready))
        hold_record(topic, record_at(topic->ready.next), now_ns + broker->ack_wait_ns,
                    &ret_deliveries[n++]);
    topic->base.n_behind = topic->n_ready;
    sync_unlock(&topic->mutex);
    if (stopped)
        return SL_ECLOSED;
    *ret_n = n;
    return SL_OK;
}

/* Nothing is buffered between broker and bus. */
static void memory_collect(struct subscription *subscription)
{
    (void) subscription;
}

static void
memory_ack(struct subscription *subscription, const struct delivery *deliveries, size_t n)
{
    struct memory_topic *topic = (struct memory_topic *) subscription;
    struct list *done = NULL;

    sync_lock(&topic->mutex);
    topic->n_held -= n;
    for (size_t i = 0; i < n; i++) {
        struct record *record = deliveries[i].handle;
        if (record->state != RECORD_DONE)
            list_remove(record);
        topic->n_ready -= record->state == RECORD_READY;
        record->state = RECORD_DONE;
        if (--record->n_holders == 0) {
            record->link.next = done;
            done = &record->link;
        }
    }
    sync_unlock(&topic->mutex);
    while (done) {
        struct list *next = done->next;
        free(record_at(done));
        done = next;
    }
}

static void memory_give_back(struct subscription *subscription, const struct delivery *deliveries,
                             size_t n, uint64_t delay_ns)
{
    struct memory_topic *topic = (struct memory_topic *) subscription;
    struct memory_transport *broker = (struct memory_transport *) subscription->transport;
    uint64_t due_ns = sl_clock_now_ns() + delay_ns;

    sync_lock(&topic->mutex);
    topic->n_held -= n;
    for (size_t i = 0; i < n; i++) {
        struct record *record = deliveries[i].handle;
        record->n_holders--;
        if (record->state == RECORD_HELD) {
            list_remove(record);
            record->state = RECORD_DELAYED;
            record->due_ns = due_ns;
            list_insert(&topic->delayed, record);
        } else if (record->state == RECORD_DONE && record->n_holders == 0) {
            free(record);
        }
    }
    sync_unlock(&topic->mutex);
    wake_broker_at(broker, due_ns);
}

static void memory_extend(struct transport *transport)
{
    struct memory_transport *broker = (struct memory_transport *) transport;
    uint64_t due_ns = sl_clock_now_ns() + broker->ack_wait_ns;
    for (size_t i = 0; i < broker->n_topics; i++) {
        struct memory_topic *topic = &broker->topics[i];
        sync_lock(&topic->mutex);
        for (struct list *link = topic->held.next; link != &topic->held; link = link->next)
            record_at(link)->due_ns = due_ns;
        sync_unlock(&topic->mutex);
    }
}

static void memory_stop(struct subscription *subscription)
{
    struct memory_topic *topic = (struct memory_topic *) subscription;
    sync_lock(&topic->mutex);
    topic->stopped = true;
    sync_broadcast(&topic->not_empty);
    sync_unlock(&topic->mutex);
}

static struct record *new_record(const struct sl_message *message)
{
    size_t key_size = message->key ? strlen(message->key) + 1 : 0;
    struct record *record = malloc(sizeof *record + key_size + message->payload_size);
    if (!record)
        return NULL;
    *record = (struct record){
        .state = RECORD_READY,
        .payload_size = message->payload_size,
        .key_size = key_size,
    };
    if (key_size) {
        memcpy(record->bytes, message->key, key_size);
        record->hash = sl_fnv32(SL_FNV32_BASIS, message->key, key_size - 1);
    }
    if (message->payload_size)
        memcpy(record->bytes + key_size, message->payload, message->payload_size);
    return record;
}

static enum sl_status memory_publish(struct transport *transport, size_t index,
                                     const struct sl_message *message, const char *id,
                                     struct ticket ticket, struct sl_error *err)
{
    struct memory_transport *broker = (struct memory_transport *) transport;
    struct memory_topic *topic = &broker->topics[index];
    struct record *record = new_record(message);
    (void) id; /* nothing is published here twice unless somebody means it */
    if (!record)
        return sl_fail(err, SL_ENOMEM, "out of memory for a message of %zu bytes",
                       message->payload_size);

    sync_lock(&topic->mutex);
    list_insert(&topic->ready, record);
    topic->n_ready++;
    bool wake = topic->fetcher_waits;
    topic->fetcher_waits = false; /* one signal per wait is enough */
    sync_unlock(&topic->mutex);
    if (wake)
        sync_signal(&topic->not_empty);
    broker->on_outcome(broker->user, ticket, SL_PUBLISH_ACCEPTED);
    return SL_OK;
}

/* The outcome is there when publish returns. */
static bool memory_wait_outcomes(struct transport *transport, uint64_t deadline_ns)
{
    (void) transport;
    (void) deadline_ns;
    return true;
}

/* No publisher ever waits. */
static void memory_interrupt(struct transport *transport)
{
    (void) transport;
}

static uint64_t memory_count_held(struct transport *transport)
{
    struct memory_transport *broker = (struct memory_transport *) transport;
    uint64_t n = 0;
    for (size_t i = 0; i < broker->n_topics; i++) {
        sync_lock(&broker->topics[i].mutex);
        n += broker->topics[i].n_held;
        sync_unlock(&broker->topics[i].mutex);
    }
    return n;
}

/* The log ends with the broker, so there is nobody to give back to. */
static uint64_t memory_finish(struct transport *transport, uint64_t deadline_ns)
{
    struct memory_transport *broker = (struct memory_transport *) transport;
    sync_lock(&broker->mutex);
    broker->ending = true;
    sync_signal(&broker->changed);
    sync_unlock(&broker->mutex);
    (void) ledger_join(&broker->broker, deadline_ns);
    return 0;
}

/* Records go with the memory of the transport, which stays when somebody is left behind. */
static void memory_close(struct transport *transport, bool keep_held)
{
    (void) transport;
    (void) keep_held;
}

const struct transport_ops transport_memory = {
    .name = "memory",
    .open = memory_open,
    .subscribe = memory_subscribe,
    .fetch = memory_fetch,
    .collect = memory_collect,
    .ack = memory_ack,
    .give_back = memory_give_back,
    .terminate = memory_ack, /* either way it is done */
    .extend = memory_extend,
    .stop = memory_stop,
    .publish = memory_publish,
    .wait_outcomes = memory_wait_outcomes,
    .interrupt = memory_interrupt,
    .count_held = memory_count_held,
    .finish = memory_finish,
    .close = memory_close,
    .free = memory_free,
};
