/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetching from JetStream with pull requests of our own.
 *
 * Several requests are under way at once and new ones are sent when half of what
 * was asked for has come, so that the server never waits for us.  Each request has a
 * reply subject of its own below one inbox; the server's end-of-request messages
 * (404, 408, 409) carry it.  When the server says nothing, not even a heartbeat, or
 * the connection was replaced, all requests count as lost and are sent again.
 */
#include "bus/nats/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/envelope.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/nats/connect.h"
#include "bus/nats/error.h"
#include "bus/nats/held.h"
#include "bus/nats/order.h"

#define PULL_BATCH     500u
#define PULL_TARGET    2000u /* messages asked for and not come */
#define PULL_EXPIRES   (30 * SL_NS_PER_S)
#define PULL_HEARTBEAT SL_NS_PER_S
#define SILENCE_NS     (3 * SL_NS_PER_S)

/* How long one wait in the library may take; what it is interrupted for is looked at then. */
#define WAIT_MS 500

/* After a request was refused, no other is sent for so long. */
#define REFUSED_MS 100

/* Messages collected in one go. */
#define COLLECT_CHUNK 32u

/* Inbox of one subscription, with everything below it. */
static enum sl_status open_inbox(struct jetstream_subscription *subscription,
                                 natsConnection *connection, struct sl_error *err)
{
    natsInbox *name = NULL;
    natsStatus status = natsInbox_Create(&name);
    if (status)
        return jetstream_fail(err, status, "cannot make an inbox for messages");
    subscription->inbox_name = strdup(name);
    natsInbox_Destroy(name);
    SL_AUTO_FREE char *pattern = NULL;
    if (!subscription->inbox_name || asprintf(&pattern, "%s.*", subscription->inbox_name) < 0)
        return sl_fail(err, SL_ENOMEM, "out of memory for a name");
    status = natsConnection_SubscribeSync(&subscription->inbox, connection, pattern);
    if (!status)
        status = natsSubscription_SetPendingLimits(subscription->inbox, -1, -1);
    return status ? jetstream_fail(err, status, "cannot subscribe to an inbox") : SL_OK;
}

enum sl_status jetstream_subscription_new(struct jetstream_transport *transport, size_t topic,
                                          const jsConsumerInfo *info,
                                          struct jetstream_subscription **ret_subscription,
                                          struct sl_error *err)
{
    struct jetstream_subscription *subscription = calloc(1, sizeof *subscription);
    if (!subscription)
        return sl_fail(err, SL_ENOMEM, "out of memory for a subscription");
    subscription->base.transport = &transport->base;
    subscription->base.window = PULL_TARGET;
    sync_mutex_init(&subscription->mutex);
    jetstream_held_init(subscription);
    enum sl_status status = open_inbox(subscription, transport->connection, err);
    const char *stream = subscription->stream = transport->streams[topic];
    if (!status && !jetstream_order_begin(subscription, info))
        status = sl_fail(err, SL_ENOMEM, "out of memory for the track of a topic");
    if (!status && asprintf(&subscription->request_subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
                            stream, stream) < 0) {
        subscription->request_subject = NULL;
        status = sl_fail(err, SL_ENOMEM, "out of memory for a name");
    }
    if (status) {
        jetstream_subscription_free(subscription);
        return status;
    }
    *ret_subscription = subscription;
    return SL_OK;
}

void jetstream_subscription_free(struct jetstream_subscription *subscription)
{
    jetstream_held_release(subscription);
    natsSubscription_Destroy(subscription->inbox); /* NULL unless it was never used */
    free(subscription->ready);
    free(subscription->parked);
    track_release(&subscription->track);
    free(subscription->request_subject);
    free(subscription->inbox_name);
    sync_mutex_release(&subscription->mutex);
    free(subscription);
}

static natsConnection *connection_of(const struct jetstream_subscription *subscription)
{
    return ((struct jetstream_transport *) subscription->base.transport)->connection;
}

static natsStatus send_pull(struct jetstream_subscription *subscription)
{
    char reply[96], request[96];
    uint64_t id = subscription->next_pull;
    (void) snprintf(reply, sizeof reply, "%s.%llu", subscription->inbox_name,
                    (unsigned long long) id);
    int size = snprintf(request, sizeof request,
                        "{\"batch\":%u,\"expires\":%llu,\"idle_heartbeat\":%llu}", PULL_BATCH,
                        (unsigned long long) PULL_EXPIRES, (unsigned long long) PULL_HEARTBEAT);
    natsStatus status = natsConnection_PublishRequest(
        connection_of(subscription), subscription->request_subject, reply, request, size);
    if (status)
        return status;
    subscription->next_pull++;
    subscription->pulls[subscription->n_pulls++] = (struct jetstream_pull){id, PULL_BATCH};
    subscription->outstanding += PULL_BATCH;
    return NATS_OK;
}

static void forget_pulls(struct jetstream_subscription *subscription)
{
    subscription->n_pulls = 0;
    subscription->outstanding = 0;
}

static void drop_pull(struct jetstream_subscription *subscription, uint32_t index)
{
    subscription->outstanding -= subscription->pulls[index].left;
    subscription->n_pulls--;
    memmove(&subscription->pulls[index], &subscription->pulls[index + 1],
            (subscription->n_pulls - index) * sizeof *subscription->pulls);
}

/* The server serves requests in turn; the oldest takes the blame, the sum is what counts. */
static void count_message(struct jetstream_subscription *subscription)
{
    if (subscription->n_pulls == 0)
        return;
    subscription->pulls[0].left--;
    subscription->outstanding--;
    if (subscription->pulls[0].left == 0)
        drop_pull(subscription, 0);
}

/* Nothing came for a while: are the requests lost? */
static void check_silence(struct jetstream_subscription *subscription)
{
    uint64_t now_ns = sl_clock_now_ns();
    uint64_t reconnects = jetstream_count_reconnects(connection_of(subscription));
    if (reconnects == subscription->reconnects && now_ns - subscription->heard_ns < SILENCE_NS)
        return;
    subscription->reconnects = reconnects;
    subscription->heard_ns = now_ns;
    forget_pulls(subscription);
    jetstream_order_ask_again(subscription);
}

static enum sl_status request_more(struct jetstream_subscription *subscription)
{
    if (subscription->outstanding > PULL_TARGET / 2 ||
        sl_clock_now_ns() < subscription->refused_until_ns)
        return SL_OK;
    if (subscription->n_pulls == 0)
        subscription->heard_ns = sl_clock_now_ns();
    while (subscription->outstanding + PULL_BATCH <= PULL_TARGET &&
           subscription->n_pulls < JETSTREAM_MAX_PULLS) {
        if (send_pull(subscription))
            return SL_ECONNECT;
    }
    return SL_OK;
}

/* A status message of the server: a heartbeat, or the end of a request. */
static void
take_control(struct jetstream_subscription *subscription, natsMsg *message, const char *code)
{
    if (strcmp(code, "100") == 0)
        return;
    if (strcmp(code, "409") == 0)
        subscription->refused_until_ns = subscription->heard_ns + REFUSED_MS * SL_NS_PER_MS;
    const char *dot = strrchr(natsMsg_GetSubject(message), '.');
    uint64_t id = dot ? strtoull(dot + 1, NULL, 10) : UINT64_MAX;
    for (uint32_t i = 0; i < subscription->n_pulls; i++) {
        if (subscription->pulls[i].id == id) {
            drop_pull(subscription, i);
            return;
        }
    }
}

static bool is_control(struct jetstream_subscription *subscription, natsMsg *message)
{
    const char *code = NULL;
    if (natsMsg_GetDataLength(message) > 0 ||
        natsMsgHeader_Get(message, "Status", &code) != NATS_OK || !code)
        return false;
    take_control(subscription, message, code);
    return true;
}

/* What a reply subject says of its message. */
struct reply_facts {
    uint64_t deliveries, sequence, consumer_number, stored_ns, n_behind;
};

static uint64_t read_number(const char *digits)
{
    uint64_t number = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        number = number * 10 + (uint64_t) (*digits - '0');
    return number;
}

/*
 * $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<number>.<time>.<behind>, or with
 * <domain>.<account> after ACK when there are eleven words or more.
 */
static struct reply_facts read_reply(const char *reply)
{
    struct reply_facts facts = {.deliveries = 0};
    uint64_t *const numbers[] = {&facts.deliveries, &facts.sequence, &facts.consumer_number,
                                 &facts.stored_ns, &facts.n_behind};
    const char *words[11]; /* but the first */
    unsigned n = 0;
    for (const char *c = reply; *c && n < SL_COUNT_OF(words); c++) {
        if (*c == '.')
            words[n++] = c + 1;
    }
    unsigned first = n >= 10 ? 5 : 3;
    for (unsigned i = 0; i < SL_COUNT_OF(numbers) && first + i < n; i++)
        *numbers[i] = read_number(words[first + i]);
    return facts;
}

/* Where a message that was received has what. */
struct parts {
    const char *reply, *key, *payload; /* key: NULL without one */
    size_t payload_size;
};

static struct parts read_parts(natsMsg *message)
{
    const char *reply = natsMsg_GetReply(message);
    struct parts parts = {.reply = reply ? reply : "",
                          .payload = natsMsg_GetData(message),
                          .payload_size = (size_t) natsMsg_GetDataLength(message)};
    if (natsMsgHeader_Get(message, BUS_KEY_HEADER, &parts.key) != NATS_OK)
        parts.key = NULL;
    return parts;
}

/* If there is room, so that the message is not needed any more. */
static void copy_parts(struct jetstream_held *node, struct parts *parts)
{
    size_t reply_size = strlen(parts->reply) + 1;
    size_t key_size = parts->key ? strlen(parts->key) + 1 : 0;

    if (!node->text || parts->payload_size >= JETSTREAM_TEXT_SIZE ||
        reply_size + key_size + parts->payload_size + 1 > JETSTREAM_TEXT_SIZE)
        return;
    char *key = node->text + reply_size, *payload = key + key_size;
    memcpy(node->text, parts->reply, reply_size);
    if (parts->key)
        parts->key = memcpy(key, parts->key, key_size);
    parts->reply = node->text;
    parts->payload = memcpy(payload, parts->payload, parts->payload_size);
    payload[parts->payload_size] = '\0';
}

/* @return false when the message was a control message, or memory is short (it comes again) */
static bool
accept(struct jetstream_subscription *subscription, natsMsg *message, struct delivery *ret_delivery)
{
    if (is_control(subscription, message)) {
        natsMsg_Destroy(message);
        return false;
    }
    count_message(subscription);
    struct jetstream_held *node = jetstream_held_new(subscription);
    if (!node) {
        natsMsg_Destroy(message);
        return false;
    }
    struct parts parts = read_parts(message);
    struct reply_facts facts = read_reply(parts.reply);
    copy_parts(node, &parts);
    subscription->consumer_number = facts.consumer_number;
    subscription->base.n_behind = facts.n_behind;
    node->message = message;
    node->reply = parts.reply;
    node->touched_ns = subscription->heard_ns;
    node->sequence = facts.sequence;
    node->stored_ns = facts.stored_ns;
    *ret_delivery = (struct delivery){
        .message = {.key = parts.key,
                    .payload = parts.payload,
                    .payload_size = parts.payload_size,
                    .deliveries = (uint32_t) facts.deliveries},
        .handle = node,
        .hash = parts.key ? sl_fnv32(SL_FNV32_BASIS, parts.key, strlen(parts.key)) : 0,
    };
    return true;
}

/* Those that were copied go back to the library. */
static void destroy_copied(const struct delivery *deliveries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct jetstream_held *node = deliveries[i].handle;
        if (node->reply == node->text)
            natsMsg_Destroy(SL_TAKE(node->message));
    }
}

/* Everything the library has, up to max; `message` is the first one, or NULL. */
static size_t accept_all(struct jetstream_subscription *subscription, natsMsg *message,
                         struct delivery *ret_deliveries, size_t max)
{
    size_t n = 0;
    uint64_t now_ns = sl_clock_now_ns();
    while (message ||
           (n < max && natsSubscription_NextMsg(&message, subscription->inbox, 0) == NATS_OK)) {
        subscription->heard_ns = now_ns;
        if (accept(subscription, message, &ret_deliveries[n]))
            n++;
        message = NULL;
    }
    destroy_copied(ret_deliveries, n);
    return jetstream_held_admit(subscription, ret_deliveries, n);
}

void jetstream_collect(struct subscription *base)
{
    struct jetstream_subscription *subscription = (struct jetstream_subscription *) base;

    jetstream_held_recycle(subscription);
    for (;;) {
        if (!sl_grow(&subscription->ready, &subscription->ready_capacity,
                     subscription->n_ready + COLLECT_CHUNK))
            return;
        size_t n = accept_all(subscription, NULL, subscription->ready + subscription->n_ready,
                              COLLECT_CHUNK);
        /* May add to what is ready itself. */
        size_t n_passed =
            jetstream_order_pass(subscription, subscription->ready + subscription->n_ready, n);
        subscription->n_ready += n_passed;
        if (n < COLLECT_CHUNK)
            return;
    }
}

static size_t
take_ready(struct jetstream_subscription *subscription, struct delivery *ret_deliveries, size_t max)
{
    size_t n = SL_MIN(max, subscription->n_ready - subscription->ready_first);
    if (n > 0)
        memcpy(ret_deliveries, subscription->ready + subscription->ready_first,
               n * sizeof *ret_deliveries);
    subscription->ready_first += n;
    if (subscription->ready_first == subscription->n_ready)
        subscription->ready_first = subscription->n_ready = 0;
    return n;
}

/* What came and was not fetched goes back at once instead of after the redelivery time. */
static void return_unfetched(struct jetstream_subscription *subscription)
{
    jetstream_collect(&subscription->base);
    if (subscription->n_ready > 0)
        jetstream_give_back(&subscription->base, subscription->ready + subscription->ready_first,
                            subscription->n_ready - subscription->ready_first, 0);
    subscription->ready_first = subscription->n_ready = 0;
    if (subscription->n_parked > 0)
        jetstream_give_back(&subscription->base, subscription->parked, subscription->n_parked, 0);
    subscription->n_parked = 0;
    (void) natsSubscription_Unsubscribe(subscription->inbox);
}

/* Say that this thread is going to wait in the library.  @return false when stopped */
static bool begin_wait(struct jetstream_subscription *subscription)
{
    sync_lock(&subscription->mutex);
    subscription->waiting = !subscription->stopped;
    bool waiting = subscription->waiting;
    sync_unlock(&subscription->mutex);
    jetstream_held_recycle(subscription); /* from now on answering leaves nothing to destroy */
    return waiting;
}

static void end_wait(struct jetstream_subscription *subscription)
{
    sync_lock(&subscription->mutex);
    subscription->waiting = false;
    sync_unlock(&subscription->mutex);
}

enum sl_status jetstream_fetch(struct subscription *base, struct delivery *ret_deliveries,
                               size_t max, size_t *ret_n)
{
    struct jetstream_subscription *subscription = (struct jetstream_subscription *) base;
    natsMsg *message = NULL;

    if (!begin_wait(subscription)) {
        return_unfetched(subscription);
        return SL_ECLOSED;
    }
    jetstream_order_ask(subscription);
    size_t n = take_ready(subscription, ret_deliveries, max);
    enum sl_status status = n > 0 ? SL_OK : request_more(subscription);
    if (n > 0 || status) {
        end_wait(subscription);
        *ret_n = n;
        return status;
    }
    natsStatus got = natsSubscription_NextMsg(
        &message, subscription->inbox,
        sl_clock_now_ns() < subscription->refused_until_ns ? REFUSED_MS : WAIT_MS);
    end_wait(subscription);
    switch (got) {
    case NATS_OK:
        n = accept_all(subscription, message, ret_deliveries, max);
        *ret_n = jetstream_order_pass(subscription, ret_deliveries, n);
        return SL_OK;
    case NATS_TIMEOUT:
        check_silence(subscription);
        *ret_n = 0;
        return SL_OK;
    case NATS_INVALID_SUBSCRIPTION:
        return SL_ECLOSED;
    default: /* no responders: the consumer is gone, or not there yet after a restart */
        forget_pulls(subscription);
        return SL_ECONNECT;
    }
}

void jetstream_stop(struct subscription *base)
{
    struct jetstream_subscription *subscription = (struct jetstream_subscription *) base;
    sync_lock(&subscription->mutex);
    subscription->stopped = true;
    bool wake = subscription->waiting;
    sync_unlock(&subscription->mutex);
    if (wake)
        (void) natsSubscription_Unsubscribe(subscription->inbox);
}
