/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client library by itself: what the bus is compared with on a server.
 *
 * Reading: a thread per topic, the bus's own pull requests (several under way, sent
 * again at half), an explicit acknowledgement for each message; no pools, no keys.
 * Publishing: js_PublishAsync with a de-duplication id for each message.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "base/clock.h"
#include "bus_bench.h"

struct bare_topic {
    natsConnection *connection;
    natsSubscription *inbox;
    char inbox_name[96];
    char request_subject[96];
    uint32_t outstanding;
    unsigned n_pulls;
    pthread_t thread;
    atomic_bool *stopped;
    _Alignas(64) atomic_uint_fast64_t n_handled;
};

struct bare {
    natsConnection *connection;
    jsCtx *jetstream;
    atomic_bool stopped;
    struct bare_topic topics[BENCH_TOPICS];
};

static void check(natsStatus status, const char *what)
{
    if (status)
        bench_fail("cannot %s: %s", what, natsStatus_GetText(status));
}

static void connect_bare(const struct bench_options *options, struct bare *bare)
{
    jsOptions js;
    (void) jsOptions_Init(&js);
    js.PublishAsync.MaxPending = BENCH_PENDING;
    js.PublishAsync.StallWait = 30000; /* milliseconds that a publish waits for room */
    check(natsConnection_ConnectTo(&bare->connection, options->servers), "connect");
    check(natsConnection_JetStream(&bare->jetstream, bare->connection, &js), "use JetStream");
}

static void disconnect_bare(struct bare *bare)
{
    natsConnection_Close(bare->connection);
    for (unsigned i = 0; i < BENCH_TOPICS; i++)
        natsSubscription_Destroy(bare->topics[i].inbox);
    jsCtx_Destroy(bare->jetstream);
    natsConnection_Destroy(bare->connection);
    nats_Close();
}

static void send_pull(struct bare_topic *topic)
{
    char reply[128];
    char request[96];
    (void) snprintf(reply, sizeof reply, "%s.%u", topic->inbox_name, topic->n_pulls++);
    int size = snprintf(request, sizeof request,
                        "{\"batch\":%u,\"expires\":30000000000,\"idle_heartbeat\":1000000000}",
                        BENCH_PULL_BATCH);
    check(natsConnection_PublishRequest(topic->connection, topic->request_subject, reply, request,
                                        size),
          "send a pull request");
    topic->outstanding += BENCH_PULL_BATCH;
}

/* Messages of the benchmark have a payload; what has none is the server's. */
static void take(struct bare_topic *topic, natsMsg *message)
{
    if (natsMsg_GetDataLength(message) > 0) {
        check(natsConnection_Publish(topic->connection, natsMsg_GetReply(message), "+ACK", 4),
              "acknowledge");
        topic->outstanding--;
        atomic_store_explicit(&topic->n_handled,
                              atomic_load_explicit(&topic->n_handled, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    }
    natsMsg_Destroy(message);
}

static void *read_topic(void *argument)
{
    struct bare_topic *topic = argument;
    while (!atomic_load_explicit(topic->stopped, memory_order_relaxed)) {
        natsMsg *message = NULL;
        if (topic->outstanding <= BENCH_PULL_TARGET / 2) {
            while (topic->outstanding + BENCH_PULL_BATCH <= BENCH_PULL_TARGET)
                send_pull(topic);
        }
        if (natsSubscription_NextMsg(&message, topic->inbox, 500) == NATS_OK)
            take(topic, message);
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

static void start_topic(struct bare *bare, unsigned index)
{
    struct bare_topic *topic = &bare->topics[index];
    jsConsumerConfig consumer;
    natsInbox *name = NULL;
    char stream[64], durable[64], pattern[128];

    (void) snprintf(stream, sizeof stream, "%s%s", BENCH_READ_PREFIX, bench_topics[index]);
    (void) snprintf(durable, sizeof durable, "%s", stream);
    (void) jsConsumerConfig_Init(&consumer);
    consumer.Durable = durable;
    consumer.AckPolicy = js_AckExplicit;
    consumer.AckWait = (int64_t) BUS_DEFAULT_ACK_WAIT_NS;
    consumer.MaxAckPending = INT32_MAX; /* as the bus */
    consumer.MaxDeliver = -1;
    consumer.MemoryStorage = true;
    check(js_AddConsumer(NULL, bare->jetstream, stream, &consumer, NULL, NULL), "add a consumer");
    check(natsInbox_Create(&name), "make an inbox");
    (void) snprintf(topic->inbox_name, sizeof topic->inbox_name, "%s", name);
    natsInbox_Destroy(name);
    (void) snprintf(topic->request_subject, sizeof topic->request_subject,
                    "$JS.API.CONSUMER.MSG.NEXT.%.30s.%.30s", stream, durable);
    (void) snprintf(pattern, sizeof pattern, "%s.*", topic->inbox_name);
    topic->connection = bare->connection;
    topic->stopped = &bare->stopped;
    check(natsConnection_SubscribeSync(&topic->inbox, bare->connection, pattern), "subscribe");
    check(natsSubscription_SetPendingLimits(topic->inbox, -1, -1), "lift the limits");
    if (pthread_create(&topic->thread, NULL, read_topic, topic))
        bench_fail("cannot create a thread");
}

static uint64_t count_handled(void *user)
{
    const struct bare *bare = user;
    uint64_t n = 0;
    for (unsigned i = 0; i < BENCH_TOPICS; i++)
        n += atomic_load_explicit(&bare->topics[i].n_handled, memory_order_relaxed);
    return n;
}

void bench_bare_consume(const struct bench_options *options, struct bench_sample *ret_sample)
{
    struct bare bare = {.connection = NULL};
    connect_bare(options, &bare);
    for (unsigned i = 0; i < BENCH_TOPICS; i++)
        start_topic(&bare, i);
    bench_measure(options, count_handled, &bare, options->n_messages / 10,
                  options->n_messages - options->n_messages / 5, ret_sample);
    atomic_store(&bare.stopped, true);
    for (unsigned i = 0; i < BENCH_TOPICS; i++)
        (void) pthread_join(bare.topics[i].thread, NULL);
    disconnect_bare(&bare);
}

void bench_bare_reset(const struct bench_options *options, struct bench_sample *ret_sample)
{
    struct bare bare = {.connection = NULL};
    (void) ret_sample;
    connect_bare(options, &bare);
    for (unsigned i = 0; i < BENCH_TOPICS; i++) {
        char stream[64];
        jsErrCode code = 0;
        (void) snprintf(stream, sizeof stream, "%s%s", BENCH_READ_PREFIX, bench_topics[i]);
        natsStatus status = js_DeleteConsumer(bare.jetstream, stream, stream, NULL, &code);
        if (status && code != JSConsumerNotFoundErr)
            check(status, "delete a consumer");
    }
    disconnect_bare(&bare);
}

static void add_streams(struct bare *bare)
{
    for (unsigned i = 0; i < BENCH_TOPICS; i++) {
        jsStreamConfig stream;
        char name[64];
        const char *subjects[] = {name};
        (void) snprintf(name, sizeof name, "%s%s", BENCH_PUBLISH_PREFIX, bench_topics[i]);
        (void) jsStreamConfig_Init(&stream);
        stream.Name = name;
        stream.Subjects = subjects;
        stream.SubjectsLen = 1;
        stream.Storage = js_MemoryStorage;
        (void) js_DeleteStream(bare->jetstream, name, NULL, NULL); /* of an earlier trial */
        check(js_AddStream(NULL, bare->jetstream, &stream, NULL, NULL), "add a stream");
    }
}

/* Publish messages from number `first` on and wait until all are stored. */
static void publish(struct bare *bare, uint32_t first, uint32_t n)
{
    jsPubOptions wait;
    (void) jsPubOptions_Init(&wait);
    wait.MaxWait = 30000;
    for (uint32_t i = first; i < first + n; i++) {
        jsPubOptions options;
        struct sl_message message;
        char key[16], subject[64], id[64];
        bench_fill(i, key, &message);
        (void) snprintf(subject, sizeof subject, "%s%s", BENCH_PUBLISH_PREFIX, message.topic);
        (void) snprintf(id, sizeof id, "_INBOX.benchmark-of-the-bus.%x", i);
        (void) jsPubOptions_Init(&options);
        options.MsgId = id;
        check(js_PublishAsync(bare->jetstream, subject, message.payload, (int) message.payload_size,
                              &options),
              "publish");
    }
    check(js_PublishAsyncComplete(bare->jetstream, &wait), "wait for answers");
}

void bench_bare_publish(const struct bench_options *options, struct bench_sample *ret_sample)
{
    struct bare bare = {.connection = NULL};
    uint32_t n_first = options->n_messages / 20;
    connect_bare(options, &bare);
    add_streams(&bare);
    publish(&bare, 0, n_first);
    uint64_t began_ns = sl_clock_now_ns();
    publish(&bare, n_first, options->n_messages);
    uint64_t took_ns = sl_clock_now_ns() - began_ns;
    ret_sample->per_second = (double) options->n_messages / ((double) took_ns / SL_NS_PER_S);
    disconnect_bare(&bare);
}
