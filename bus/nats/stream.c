/* SPDX-License-Identifier: Apache-2.0 */
/* JetStream transport: streams, consumers, opening and closing. */
#include "bus/nats/stream.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/nats/connect.h"
#include "bus/nats/error.h"
#include "bus/nats/fault.h"
#include "bus/nats/held.h"
#include "bus/nats/internal.h"
#include "bus/nats/publish.h"
#include "bus/nats/pull.h"

#define API_MS       2000 /* an answer that was lost with its node is asked for again */
#define ELECTION_NS  (20 * SL_NS_PER_S) /* a cluster without a leader has one after seconds */
#define ASK_AGAIN_NS (100 * SL_NS_PER_MS)
#define FLUSH_NS     (2 * SL_NS_PER_S)
#define TEARDOWN_MS  2000

/* What a stream may not be called by is written as "=" and two hex digits. */
static char *make_stream_name(const char *prefix, const char *topic)
{
    char *name = malloc(strlen(prefix) + 3 * strlen(topic) + 1);
    if (!name)
        return NULL;
    char *end = stpcpy(name, prefix);
    for (; *topic; topic++) {
        unsigned char byte = (unsigned char) *topic;
        if (isalnum(byte) || byte == '-' || byte == '_')
            *end++ = (char) byte;
        else
            end += sprintf(end, "=%02X", byte);
    }
    *end = '\0';
    return name;
}

static bool make_names(struct jetstream_transport *transport)
{
    const struct transport_config *config = &transport->config;
    transport->subjects = calloc(config->n_topics, sizeof *transport->subjects);
    transport->streams = calloc(config->n_topics, sizeof *transport->streams);
    if (!transport->subjects || !transport->streams)
        return false;
    for (size_t i = 0; i < config->n_topics; i++) {
        if (asprintf(&transport->subjects[i], "%s%s", config->prefix, config->topics[i]) < 0)
            transport->subjects[i] = NULL;
        transport->streams[i] = make_stream_name(config->prefix, config->topics[i]);
        if (!transport->subjects[i] || !transport->streams[i])
            return false;
    }
    return true;
}

/*
 * Is it worth asking once more, because a cluster may be electing a leader?  Waits a little.
 * What is asked for here is the same when it was done before.
 */
static bool may_come_right(natsStatus status, jsErrCode code, uint64_t until_ns)
{
    /* The node that was asked may be the one that died: the client looks for another one. */
    bool asked_in_vain = status == NATS_TIMEOUT || status == NATS_CONNECTION_DISCONNECTED ||
                         status == NATS_IO_ERROR || status == NATS_CONNECTION_CLOSED;
    bool electing = code == JSClusterNotAvailErr || code == JSClusterNotLeaderErr ||
                    code == JSClusterNoPeersErr || code == JSClusterIncompleteErr;

    if (!(asked_in_vain || electing) || sl_clock_now_ns() >= until_ns)
        return false;
    sl_clock_sleep_ns(ASK_AGAIN_NS);
    return true;
}

/* A stream that is there already with the same configuration is used as it is. */
static enum sl_status
add_stream(struct jetstream_transport *transport, size_t topic, struct sl_error *err)
{
    jsStreamConfig stream;
    jsOptions options;
    jsErrCode code = 0;
    const char *subjects[] = {transport->subjects[topic]};

    (void) jsOptions_Init(&options);
    options.Wait = API_MS;
    (void) jsStreamConfig_Init(&stream);
    stream.Name = transport->streams[topic];
    stream.Subjects = subjects;
    stream.SubjectsLen = 1;
    stream.Storage =
        transport->config.storage == BUS_STORAGE_FILE ? js_FileStorage : js_MemoryStorage;
    stream.Replicas = transport->config.replicas;
    if (fault_is_set(transport->config.faults, FAULT_LIMITS_EAT_UNREAD))
        stream.MaxMsgs = (int64_t) transport->config.fault_rules[FAULT_LIMITS_EAT_UNREAD].limit;
    char unsure[JETSTREAM_FAULT_SUBJECT];
    if (fault_is_set(transport->config.faults, FAULT_SILENT_DOWNGRADE) &&
        jetstream_is_downgraded(transport, topic))
        subjects[0] = jetstream_fault_subject(transport, topic, unsure);
    uint64_t until_ns = sl_clock_now_ns() + ELECTION_NS;
    natsStatus status;
    do
        status = js_AddStream(NULL, transport->jetstream, &stream, &options, &code);
    while (status && may_come_right(status, code, until_ns));
    if (!status)
        return SL_OK;
    if (code == JSNotEnabledErr || code == JSNotEnabledForAccountErr)
        status = NATS_NO_RESPONDERS;
    return jetstream_fail(err, status, "cannot create stream '%s'", stream.Name);
}

/* @param ret_info  to be destroyed by the caller */
static enum sl_status add_consumer(struct jetstream_transport *transport, size_t topic,
                                   jsConsumerInfo **ret_info, struct sl_error *err)
{
    jsConsumerConfig consumer;
    jsOptions options;

    (void) jsOptions_Init(&options);
    options.Wait = API_MS;
    (void) jsConsumerConfig_Init(&consumer);
    consumer.Durable = transport->streams[topic];
    consumer.AckPolicy = js_AckExplicit;
    consumer.AckWait = (int64_t) transport->config.ack_wait_ns;
    /* The bus itself bounds what it takes.  The library sends no -1, and without one it is 1000. */
    consumer.MaxAckPending = INT32_MAX;
    consumer.MaxDeliver = -1;
    consumer.MemoryStorage = transport->config.storage == BUS_STORAGE_MEMORY;
    uint64_t until_ns = sl_clock_now_ns() + ELECTION_NS;
    natsStatus status;
    jsErrCode code = 0;
    do
        status = js_AddConsumer(ret_info, transport->jetstream, transport->streams[topic],
                                &consumer, &options, &code);
    while (status && may_come_right(status, code, until_ns));
    return status ? jetstream_fail(err, status, "cannot create consumer '%s'", consumer.Durable)
                  : SL_OK;
}

static void jetstream_free(struct transport *base)
{
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    jetstream_publish_release(transport);
    for (struct jetstream_subscription *s = transport->subscriptions, *next; s; s = next) {
        next = s->next;
        jetstream_subscription_free(s);
    }
    for (size_t i = 0; i < transport->config.n_topics; i++) {
        free(transport->subjects ? transport->subjects[i] : NULL);
        free(transport->streams ? transport->streams[i] : NULL);
    }
    free(transport->subjects);
    free(transport->streams);
    sync_mutex_release(&transport->mutex);
    free(transport);
}

/*
 * The connection is closed first: that joins the read loop, which uses
 * subscriptions without a reference.  Afterwards they can be destroyed safely.
 */
static void jetstream_close(struct transport *base, bool keep_held)
{
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    if (transport->connection)
        natsConnection_Close(transport->connection);
    for (struct jetstream_subscription *s = transport->subscriptions; s; s = s->next) {
        natsSubscription_Destroy(SL_TAKE(s->inbox));
        jetstream_held_recycle(s);
        if (!keep_held)
            jetstream_drop_held(s);
    }
    natsSubscription_Destroy(SL_TAKE(transport->answers));
    jsCtx_Destroy(SL_TAKE(transport->jetstream));
    natsConnection_Destroy(SL_TAKE(transport->connection));
}

/* Of the list, which grows at its head only: what was there stays. */
static struct jetstream_subscription *first_subscription(struct jetstream_transport *transport)
{
    sync_lock(&transport->mutex);
    struct jetstream_subscription *first = transport->subscriptions;
    sync_unlock(&transport->mutex);
    return first;
}

static uint64_t jetstream_finish(struct transport *base, uint64_t deadline_ns)
{
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    for (struct jetstream_subscription *s = first_subscription(transport); s; s = s->next)
        jetstream_tell_held(s, "-NAK", 0);

    uint64_t flush_ns = SL_MIN(sl_clock_left_ns(deadline_ns), FLUSH_NS);
    if (transport->connection && flush_ns >= SL_NS_PER_MS &&
        natsConnection_Status(transport->connection) == NATS_CONN_STATUS_CONNECTED)
        (void) natsConnection_FlushTimeout(transport->connection,
                                           (int64_t) (flush_ns / SL_NS_PER_MS));
    return jetstream_publish_finish(transport, deadline_ns);
}

static enum sl_status start(struct jetstream_transport *transport, struct sl_error *err)
{
    enum sl_status status = jetstream_connect(&transport->config, &transport->connection, err);
    if (status)
        return status;
    natsStatus made = natsConnection_JetStream(&transport->jetstream, transport->connection, NULL);
    if (made)
        return jetstream_fail(err, made, "cannot use JetStream");
    atomic_store(&transport->base.connected, true);
    for (size_t i = 0; i < transport->config.n_topics && !status; i++)
        status = add_stream(transport, i, err);
    return status ? status : jetstream_publish_start(transport, err);
}

static enum sl_status jetstream_open(const struct transport_config *config,
                                     struct transport **ret_transport, struct sl_error *err)
{
    struct jetstream_transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return sl_fail(err, SL_ENOMEM, "out of memory for a transport");
    transport->base.ops = &jetstream_ops;
    transport->config = *config;
    sync_mutex_init(&transport->mutex);
    enum sl_status status = make_names(transport)
                                ? start(transport, err)
                                : sl_fail(err, SL_ENOMEM, "out of memory for names of streams");
    if (status) {
        (void) jetstream_publish_finish(transport, 0);
        jetstream_close(&transport->base, false);
        jetstream_free(&transport->base);
        return status;
    }
    *ret_transport = &transport->base;
    return SL_OK;
}

static enum sl_status jetstream_subscribe(struct transport *base, size_t topic,
                                          struct subscription **ret_subscription,
                                          struct sl_error *err)
{
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    struct jetstream_subscription *subscription = NULL;

    jsConsumerInfo *info = NULL;
    enum sl_status status = add_consumer(transport, topic, &info, err);
    if (!status)
        status = jetstream_subscription_new(transport, topic, info, &subscription, err);
    jsConsumerInfo_Destroy(info);
    if (status)
        return status;
    sync_lock(&transport->mutex);
    subscription->next = transport->subscriptions;
    transport->subscriptions = subscription;
    sync_unlock(&transport->mutex);
    *ret_subscription = &subscription->base;
    return SL_OK;
}

static void jetstream_extend(struct transport *base)
{
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    for (struct jetstream_subscription *s = first_subscription(transport); s; s = s->next)
        jetstream_tell_held(s, "+WPI", transport->config.ack_wait_ns / 3);
}

static uint64_t jetstream_count_held(struct transport *base)
{
    uint64_t n = 0;
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    for (struct jetstream_subscription *s = first_subscription(transport); s; s = s->next) {
        sync_lock(&s->mutex);
        n += s->n_held;
        sync_unlock(&s->mutex);
    }
    return n;
}

static enum sl_status delete_streams(jsCtx *jetstream, const char *prefix, struct sl_error *err)
{
    jsStreamNamesList *list = NULL;
    natsStatus status = js_StreamNames(&list, jetstream, NULL, NULL);
    if (status == NATS_NOT_FOUND)
        return SL_OK;
    if (status)
        return jetstream_fail(err, status, "cannot list streams");
    enum sl_status result = SL_OK;
    for (int i = 0; i < list->Count && !result; i++) {
        if (strncmp(list->List[i], prefix, strlen(prefix)) != 0)
            continue;
        jsErrCode code = 0;
        status = js_DeleteStream(jetstream, list->List[i], NULL, &code);
        if (status && code != JSStreamNotFoundErr)
            result = jetstream_fail(err, status, "cannot delete stream '%s'", list->List[i]);
    }
    jsStreamNamesList_Destroy(list);
    return result;
}

static enum sl_status jetstream_purge(const struct transport_config *config, struct sl_error *err)
{
    natsConnection *connection = NULL;
    jsCtx *jetstream = NULL;

    enum sl_status status = jetstream_connect(config, &connection, err);
    if (status)
        return status;
    natsStatus made = natsConnection_JetStream(&jetstream, connection, NULL);
    status = made ? jetstream_fail(err, made, "cannot use JetStream")
                  : delete_streams(jetstream, config->prefix, err);
    jsCtx_Destroy(jetstream);
    natsConnection_Close(connection);
    natsConnection_Destroy(connection);
    return status;
}

static enum sl_status jetstream_teardown(struct sl_error *err)
{
    if (!sl_nats_is_loaded())
        return SL_OK;
    natsStatus status = nats_CloseAndWait(TEARDOWN_MS);
    if (status == NATS_OK || status == NATS_NOT_INITIALIZED)
        return SL_OK;
    return sl_fail(err, status == NATS_TIMEOUT ? SL_ETIMEDOUT : SL_EPROTO,
                   "cannot shut the NATS client down: %s", natsStatus_GetText(status));
}

const struct transport_ops jetstream_ops = {
    .name = "nats",
    .open = jetstream_open,
    .subscribe = jetstream_subscribe,
    .fetch = jetstream_fetch,
    .collect = jetstream_collect,
    .ack = jetstream_ack,
    .give_back = jetstream_give_back,
    .terminate = jetstream_terminate,
    .extend = jetstream_extend,
    .stop = jetstream_stop,
    .publish = jetstream_publish,
    .wait_outcomes = jetstream_wait_outcomes,
    .interrupt = jetstream_interrupt,
    .count_held = jetstream_count_held,
    .finish = jetstream_finish,
    .close = jetstream_close,
    .free = jetstream_free,
    .purge = jetstream_purge,
    .teardown = jetstream_teardown,
};
