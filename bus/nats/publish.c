/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing to JetStream: a window of publishes without an answer, and the thread
 * that reads the answers.
 *
 * A publish takes a slot of the window and gives it back with its outcome: stored
 * (accepted), refused (rejected), or no answer for PUBLISH_WAIT_NS (unknown).  A
 * server without a stream for the subject answers nothing that names the publish,
 * so that one ends as unknown too.
 */
#include "bus/nats/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/envelope.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/nats/connect.h"
#include "bus/nats/error.h"
#include "bus/nats/fault.h"

#define PUBLISH_WAIT_NS (5 * SL_NS_PER_S)
#define EXPIRE_EVERY_MS 100
#define NO_ROOM_NS      (10 * SL_NS_PER_MS)
#define SUSPECT_NS      (100 * SL_NS_PER_MS)
#define STALL_NS        (100 * SL_NS_PER_MS)
#define MAX_SENT_SIZE   65536
#define NO_SLOT         UINT32_MAX

/* Longest reply subject and message id: an inbox name, a dot, 16 hex digits. */
#define NAME_SIZE 96

static enum sl_status window_init(struct jetstream_window *window, uint32_t n_slots,
                                  size_t n_topics, struct sl_error *err)
{
    window->slots = calloc(n_slots, sizeof *window->slots);
    window->stalled_ns = calloc(n_topics, sizeof *window->stalled_ns);
    if (!window->slots || !window->stalled_ns)
        return sl_fail(err, SL_ENOMEM, "out of memory for %u pending publishes", n_slots);
    window->n_slots = n_slots;
    for (uint32_t i = 0; i < n_slots; i++)
        window->slots[i].next_free = i + 1 < n_slots ? i + 1 : NO_SLOT;
    sync_mutex_init(&window->mutex);
    sync_cond_init(&window->freed);
    sync_cond_init(&window->settled);
    return SL_OK;
}

/* With the mutex held. */
static void free_slot(struct jetstream_window *window, uint32_t index)
{
    struct jetstream_slot *slot = &window->slots[index];
    slot->busy = false;
    slot->generation++;
    slot->next_free = window->first_free;
    window->first_free = index;
    window->n_busy--;
}

/* Wait for a free slot, and until the topic is not stalled.  @return its index and generation as
 * the reply subject has it */
static enum sl_status take_slot(struct jetstream_window *window, size_t topic, struct ticket ticket,
                                uint64_t *ret_name, uint64_t *ret_number)
{
    sync_lock(&window->mutex);
    while (!window->interrupted) {
        if (window->first_free == NO_SLOT)
            (void) sync_wait_until(&window->freed, &window->mutex, SYNC_FOREVER);
        else if (window->stalled_ns[topic] > 0 && sl_clock_now_ns() < window->stalled_ns[topic])
            (void) sync_wait_until(&window->freed, &window->mutex, window->stalled_ns[topic]);
        else
            break;
    }
    if (window->interrupted) {
        sync_unlock(&window->mutex);
        return SL_ECLOSED;
    }
    uint32_t index = window->first_free;
    struct jetstream_slot *slot = &window->slots[index];
    window->first_free = slot->next_free;
    slot->busy = true;
    slot->ticket = ticket;
    slot->sent_ns = sl_clock_now_ns();
    slot->topic = (uint32_t) topic;
    window->n_busy++;
    window->n_unsettled++;
    *ret_name = (uint64_t) index << 32 | slot->generation;
    *ret_number = window->n_sent++;
    sync_unlock(&window->mutex);
    return SL_OK;
}

/*
 * Destroy what was sent, many at once: the library frees messages on a thread of its own, which
 * wakes up whenever it has nothing left to do.
 */
static void discard(struct jetstream_window *window, natsMsg *message, size_t size)
{
    natsMsg *sent[JETSTREAM_MAX_SENT];
    uint32_t n = 0;

    sync_lock(&window->mutex);
    window->sent[window->n_in_sent++] = message;
    window->sent_size += size;
    if (window->n_in_sent == JETSTREAM_MAX_SENT || window->sent_size >= MAX_SENT_SIZE) {
        n = window->n_in_sent;
        memcpy(sent, window->sent, n * sizeof *sent);
        window->n_in_sent = 0;
        window->sent_size = 0;
    }
    sync_unlock(&window->mutex);
    for (uint32_t i = 0; i < n; i++)
        natsMsg_Destroy(sent[i]);
}

/* With the mutex held: whoever told the last outcome wakes who waits for it. */
static void unsettle(struct jetstream_window *window)
{
    if (--window->n_unsettled == 0)
        sync_broadcast(&window->settled);
}

/* With the mutex held: the slot of a publish whose outcome was not told, or NULL. */
static struct jetstream_slot *find_slot(struct jetstream_window *window, uint64_t name)
{
    uint32_t index = (uint32_t) (name >> 32);
    struct jetstream_slot *slot = index < window->n_slots ? &window->slots[index] : NULL;

    return slot && slot->busy && slot->generation == (uint32_t) name ? slot : NULL;
}

/*
 * The publish did not happen after all: no outcome.
 *
 * @return false when it was told in the meantime, so that the publish counts as one
 */
static bool cancel_slot(struct jetstream_window *window, uint64_t name)
{
    sync_lock(&window->mutex);
    bool found = find_slot(window, name);
    if (found) {
        free_slot(window, (uint32_t) (name >> 32));
        unsettle(window);
    }
    sync_unlock(&window->mutex);
    sync_broadcast(&window->freed); /* who waits may wait for something else */
    return found;
}

/*
 * The connection is lost, and the message could not be handed over.  Wait a little; the time
 * in which it is to be answered begins anew.
 *
 * @return false when the bus closes, or the outcome was told as unknown
 */
static bool wait_for_room(struct jetstream_window *window, uint64_t name)
{
    uint64_t until_ns = sl_clock_now_ns() + NO_ROOM_NS;
    bool in_time = true;

    sync_lock(&window->mutex);
    while (!window->interrupted && in_time)
        in_time = sync_wait_until(&window->freed, &window->mutex, until_ns);
    struct jetstream_slot *slot = find_slot(window, name);
    if (slot)
        slot->sent_ns = sl_clock_now_ns();
    bool go_on = slot && !window->interrupted;
    sync_unlock(&window->mutex);
    return go_on;
}

/* Tell the outcome of a publish, unless it was told before.  @return whether it was told now */
static bool
settle(struct jetstream_transport *transport, uint64_t name, enum sl_publish_outcome outcome)
{
    struct jetstream_window *window = &transport->window;

    sync_lock(&window->mutex);
    const struct jetstream_slot *slot = find_slot(window, name);
    if (!slot) {
        sync_unlock(&window->mutex);
        return false;
    }
    struct ticket ticket = slot->ticket;
    bool wake = window->first_free == NO_SLOT;
    free_slot(window, (uint32_t) (name >> 32));
    sync_unlock(&window->mutex);
    if (wake)
        sync_broadcast(&window->freed);

    transport->config.on_outcome(transport->config.user, ticket, outcome);

    sync_lock(&window->mutex);
    unsettle(window);
    sync_unlock(&window->mutex);
    return true;
}

/* Name of a busy slot at or after *index that was sent before sent_ns. */
static bool
next_older(struct jetstream_window *window, uint32_t *index, uint64_t sent_ns, uint64_t *ret_name)
{
    bool found = false;
    sync_lock(&window->mutex);
    for (; window->n_busy > 0 && *index < window->n_slots && !found; (*index)++) {
        const struct jetstream_slot *slot = &window->slots[*index];
        found = slot->busy && slot->sent_ns < sent_ns;
        *ret_name = (uint64_t) *index << 32 | slot->generation;
    }
    sync_unlock(&window->mutex);
    return found;
}

/* @return how many publishes were sent before sent_ns and are unknown now */
static uint64_t settle_older(struct jetstream_transport *transport, uint64_t sent_ns)
{
    uint64_t n = 0, name = 0;
    for (uint32_t index = 0; next_older(&transport->window, &index, sent_ns, &name);)
        n += settle(transport, name, SL_PUBLISH_UNKNOWN);
    return n;
}

/* An answer is {"stream":...,"seq":...} or {"error":{...},...}; stream names have no quotes. */
static enum sl_publish_outcome read_answer(const natsMsg *answer)
{
    static const char error[] = "\"error\":";
    const char *data = natsMsg_GetData(answer);
    size_t size = (size_t) natsMsg_GetDataLength(answer);
    if (size == 0 || memmem(data, size, error, sizeof error - 1))
        return SL_PUBLISH_REJECTED;
    return SL_PUBLISH_ACCEPTED;
}

static void take_answer(struct jetstream_transport *transport, natsMsg *answer)
{
    const char *subject = natsMsg_GetSubject(answer);
    const char *dot = strrchr(subject, '.');
    uint64_t name = dot ? strtoull(dot + 1, NULL, 16) : UINT64_MAX;
    enum sl_publish_outcome outcome = read_answer(answer);
    natsMsg_Destroy(answer);
    (void) settle(transport, name, outcome);
}

/* For metrics, which may not wait: the library's own lock is held while it writes. */
static void observe_connection(struct jetstream_transport *transport)
{
    atomic_store(&transport->base.connected,
                 natsConnection_Status(transport->connection) == NATS_CONN_STATUS_CONNECTED);
    atomic_store(&transport->base.reconnects, jetstream_count_reconnects(transport->connection));
}

/*
 * A publish was answered by "nobody is there", which does not name it: a stream has no leader,
 * and everything sent to it is lost until it has one.  Topics that wait for an answer for long
 * are the ones to suspect; they try one message at a time.  A wrong suspicion costs a pause.
 */
static void stall_suspects(struct jetstream_window *window)
{
    uint64_t now_ns = sl_clock_now_ns();

    sync_lock(&window->mutex);
    for (uint32_t i = 0; i < window->n_slots && window->n_busy > 0; i++) {
        const struct jetstream_slot *slot = &window->slots[i];
        if (slot->busy && now_ns - SL_MIN(slot->sent_ns, now_ns) >= SUSPECT_NS)
            window->stalled_ns[slot->topic] = now_ns + STALL_NS;
    }
    sync_unlock(&window->mutex);
}

static void jetstream_answers_main(void *argument)
{
    struct jetstream_transport *transport = argument;
    uint64_t expire_ns = 0;

    while (!atomic_load(&transport->ending)) {
        natsMsg *answer = NULL;
        natsStatus status = natsSubscription_NextMsg(&answer, transport->answers, EXPIRE_EVERY_MS);
        if (status == NATS_OK)
            take_answer(transport, answer);
        else if (status == NATS_NO_RESPONDERS)
            stall_suspects(&transport->window);
        else if (status == NATS_INVALID_SUBSCRIPTION || status == NATS_CONNECTION_CLOSED)
            break;
        uint64_t now_ns = sl_clock_now_ns();
        if (now_ns < expire_ns)
            continue;
        expire_ns = now_ns + EXPIRE_EVERY_MS * SL_NS_PER_MS;
        (void) settle_older(transport, now_ns - SL_MIN(now_ns, PUBLISH_WAIT_NS));
        observe_connection(transport);
    }
    nats_ReleaseThreadMemory();
}

enum sl_status jetstream_publish_start(struct jetstream_transport *transport, struct sl_error *err)
{
    natsInbox *inbox = NULL;
    char pattern[NAME_SIZE];

    enum sl_status status = window_init(&transport->window, transport->config.max_pending,
                                        transport->config.n_topics, err);
    if (status)
        return status;
    natsStatus made = natsInbox_Create(&inbox);
    if (made)
        return jetstream_fail(err, made, "cannot make an inbox for answers");
    transport->answers_name = strdup(inbox);
    natsInbox_Destroy(inbox);
    if (!transport->answers_name)
        return sl_fail(err, SL_ENOMEM, "out of memory for a name");
    (void) snprintf(pattern, sizeof pattern, "%s.*", transport->answers_name);
    made = natsConnection_SubscribeSync(&transport->answers, transport->connection, pattern);
    if (!made)
        made = natsSubscription_SetPendingLimits(transport->answers, -1, -1);
    if (made)
        return jetstream_fail(err, made, "cannot subscribe to answers");
    return ledger_start(transport->config.ledger, &transport->answers_thread,
                        jetstream_answers_main, transport, err, "pub-acks");
}

static natsStatus make_message(struct jetstream_transport *transport, size_t topic,
                               const struct sl_message *message, const char *id, uint64_t name,
                               uint64_t number, natsMsg **ret_message)
{
    char reply[NAME_SIZE], own_id[NAME_SIZE];
    natsMsg *made = NULL;

    (void) snprintf(reply, sizeof reply, "%s.%016llx", transport->answers_name,
                    (unsigned long long) name);
    if (!id)
        (void) snprintf(own_id, sizeof own_id, "%s.%llx", transport->answers_name,
                        (unsigned long long) number);
    natsStatus status = natsMsg_Create(&made, transport->subjects[topic], reply, message->payload,
                                       (int) message->payload_size);
    if (!status)
        status = natsMsgHeader_Set(made, BUS_ID_HEADER, id ? id : own_id);
    if (!status && message->key)
        status = natsMsgHeader_Set(made, BUS_KEY_HEADER, message->key);
    if (status)
        natsMsg_Destroy(made);
    else
        *ret_message = made;
    return status;
}

/* The connection broke while the message was written: it may have got through. */
static bool broke_off(natsStatus status)
{
    return status == NATS_IO_ERROR || status == NATS_CONNECTION_DISCONNECTED ||
           status == NATS_SSL_ERROR || status == NATS_TIMEOUT;
}

/*
 * Hand a message over; while the connection is lost and there is no room for it, or when it
 * broke in the middle, again and again.  The server stores it once, because of its id.
 *
 * @param ret_sent  it may have got through, whatever is returned
 */
static natsStatus
send_message(struct jetstream_transport *transport, natsMsg *message, uint64_t name, bool *ret_sent)
{
    natsStatus status;

    *ret_sent = false;
    do {
        status = natsConnection_PublishMsg(transport->connection, message);
        *ret_sent |= status == NATS_OK || broke_off(status);
    } while ((status == NATS_INSUFFICIENT_BUFFER || broke_off(status)) &&
             wait_for_room(&transport->window, name));
    return status;
}

enum sl_status jetstream_publish(struct transport *base, size_t topic,
                                 const struct sl_message *message, const char *id,
                                 struct ticket ticket, struct sl_error *err)
{
    struct jetstream_transport *transport = (struct jetstream_transport *) base;
    uint64_t name = 0, number = 0;
    natsMsg *made = NULL;
    bool sent = false;

    if (fault_is_set(transport->config.faults, FAULT_SILENT_DOWNGRADE) &&
        jetstream_is_downgraded(transport, topic))
        return jetstream_fault_publish(transport, topic, message, ticket, err);
    if (take_slot(&transport->window, topic, ticket, &name, &number))
        return sl_fail(err, SL_ECLOSED, "cannot publish to '%s': the bus is closing",
                       message->topic);
    natsStatus status = make_message(transport, topic, message, id, name, number, &made);
    if (!status)
        status = send_message(transport, made, name, &sent);
    if (made)
        discard(&transport->window, made, message->payload_size);
    /* What may have got through has an outcome, be it that it is unknown. */
    if (sent || !cancel_slot(&transport->window, name))
        return SL_OK;
    if (status == NATS_INSUFFICIENT_BUFFER)
        return sl_fail(err, SL_ECLOSED, "cannot publish to '%s': the bus is closing",
                       message->topic);
    return jetstream_fail(err, status, "cannot publish to '%s'", message->topic);
}

bool jetstream_wait_outcomes(struct transport *base, uint64_t deadline_ns)
{
    struct jetstream_window *window = &((struct jetstream_transport *) base)->window;
    bool in_time = true;
    sync_lock(&window->mutex);
    while (window->n_unsettled > 0 && in_time)
        in_time = sync_wait_until(&window->settled, &window->mutex, deadline_ns);
    bool done = window->n_unsettled == 0;
    sync_unlock(&window->mutex);
    return done;
}

void jetstream_interrupt(struct transport *base)
{
    struct jetstream_window *window = &((struct jetstream_transport *) base)->window;
    sync_lock(&window->mutex);
    window->interrupted = true;
    sync_broadcast(&window->freed);
    sync_unlock(&window->mutex);
}

uint64_t jetstream_publish_finish(struct jetstream_transport *transport, uint64_t deadline_ns)
{
    if (!transport->answers_name)
        return 0; /* it was never started */
    uint64_t n_unknown = 0;
    if (!jetstream_wait_outcomes(&transport->base, deadline_ns))
        n_unknown = settle_older(transport, UINT64_MAX);
    atomic_store(&transport->ending, true);
    if (transport->answers)
        (void) natsSubscription_Unsubscribe(transport->answers);
    /* Only a callback of the user's can keep it, and that one has had until the deadline. */
    (void) ledger_join(&transport->answers_thread,
                       SL_MAX(deadline_ns, sync_deadline(50 * SL_NS_PER_MS)));
    for (; transport->window.n_in_sent > 0; transport->window.n_in_sent--)
        natsMsg_Destroy(transport->window.sent[transport->window.n_in_sent - 1]);
    return n_unknown;
}

void jetstream_publish_release(struct jetstream_transport *transport)
{
    free(transport->answers_name);
    free(transport->window.stalled_ns);
    free(transport->window.slots);
    if (!transport->window.n_slots)
        return;
    sync_cond_release(&transport->window.settled);
    sync_cond_release(&transport->window.freed);
    sync_mutex_release(&transport->window.mutex);
}
