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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "bus/sync.h"
#include "bus/transport_nats.h"

#define PUBLISH_WAIT_NS (5 * SL_NS_PER_S)
#define EXPIRE_EVERY_MS 100
#define NO_SLOT         UINT32_MAX

/* Longest reply subject and message id: an inbox name, a dot, 16 hex digits. */
#define NAME_SIZE 96

static enum sl_status
window_init(struct nats_window *window, uint32_t n_slots, struct sl_error *err)
{
    window->slots = calloc(n_slots, sizeof *window->slots);
    if (!window->slots)
        return sl_fail(err, SL_ENOMEM, "cannot allocate %u pending publishes", n_slots);
    window->n_slots = n_slots;
    for (uint32_t i = 0; i < n_slots; i++)
        window->slots[i].next_free = i + 1 < n_slots ? i + 1 : NO_SLOT;
    sync_mutex_init(&window->mutex);
    sync_cond_init(&window->freed);
    sync_cond_init(&window->settled);
    return SL_OK;
}

/* With the mutex held. */
static void free_slot(struct nats_window *window, uint32_t index)
{
    struct nats_slot *slot = &window->slots[index];
    slot->busy = false;
    slot->generation++;
    slot->next_free = window->first_free;
    window->first_free = index;
    window->n_busy--;
}

/* Wait for a free slot.  @return its index and generation as the reply subject has it */
static enum sl_status
take_slot(struct nats_window *window, uint64_t token, uint64_t *ret_name, uint64_t *ret_number)
{
    sync_lock(&window->mutex);
    while (window->first_free == NO_SLOT && !window->interrupted)
        (void) sync_wait_until(&window->freed, &window->mutex, SYNC_FOREVER);
    if (window->interrupted) {
        sync_unlock(&window->mutex);
        return SL_ECLOSED;
    }
    uint32_t index = window->first_free;
    struct nats_slot *slot = &window->slots[index];
    window->first_free = slot->next_free;
    slot->busy = true;
    slot->token = token;
    slot->sent_ns = sl_clock_now_ns();
    window->n_busy++;
    window->n_unsettled++;
    *ret_name = (uint64_t) index << 32 | slot->generation;
    *ret_number = window->n_sent++;
    sync_unlock(&window->mutex);
    return SL_OK;
}

/* With the mutex held: whoever told the last outcome wakes who waits for it. */
static void unsettle(struct nats_window *window)
{
    if (--window->n_unsettled == 0)
        sync_broadcast(&window->settled);
}

/* The publish did not happen after all: no outcome. */
static void cancel_slot(struct nats_window *window, uint64_t name)
{
    sync_lock(&window->mutex);
    free_slot(window, (uint32_t) (name >> 32));
    unsettle(window);
    sync_unlock(&window->mutex);
    sync_signal(&window->freed);
}

/* Tell the outcome of a publish, unless it was told before.  @return whether it was told now */
static bool settle(struct nats_transport *transport, uint64_t name, enum sl_publish_outcome outcome)
{
    struct nats_window *window = &transport->window;
    uint32_t index = (uint32_t) (name >> 32);

    sync_lock(&window->mutex);
    struct nats_slot *slot = index < window->n_slots ? &window->slots[index] : NULL;
    if (!slot || !slot->busy || slot->generation != (uint32_t) name) {
        sync_unlock(&window->mutex);
        return false;
    }
    uint64_t token = slot->token;
    bool wake = window->first_free == NO_SLOT;
    free_slot(window, index);
    sync_unlock(&window->mutex);
    if (wake)
        sync_broadcast(&window->freed);

    transport->config.on_outcome(transport->config.user, token, outcome);

    sync_lock(&window->mutex);
    unsettle(window);
    sync_unlock(&window->mutex);
    return true;
}

/* Name of a busy slot at or after *index that was sent before sent_ns. */
static bool
next_older(struct nats_window *window, uint32_t *index, uint64_t sent_ns, uint64_t *ret_name)
{
    bool found = false;
    sync_lock(&window->mutex);
    for (; window->n_busy > 0 && *index < window->n_slots && !found; (*index)++) {
        const struct nats_slot *slot = &window->slots[*index];
        found = slot->busy && slot->sent_ns < sent_ns;
        *ret_name = (uint64_t) *index << 32 | slot->generation;
    }
    sync_unlock(&window->mutex);
    return found;
}

/* @return how many publishes were sent before sent_ns and are unknown now */
static uint64_t settle_older(struct nats_transport *transport, uint64_t sent_ns)
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

static void take_answer(struct nats_transport *transport, natsMsg *answer)
{
    const char *subject = natsMsg_GetSubject(answer);
    const char *dot = strrchr(subject, '.');
    uint64_t name = dot ? strtoull(dot + 1, NULL, 16) : UINT64_MAX;
    enum sl_publish_outcome outcome = read_answer(answer);
    natsMsg_Destroy(answer);
    (void) settle(transport, name, outcome);
}

/* For metrics, which may not wait: the library's own lock is held while it writes. */
static void observe_connection(struct nats_transport *transport)
{
    atomic_store(&transport->base.connected,
                 natsConnection_Status(transport->connection) == NATS_CONN_STATUS_CONNECTED);
    atomic_store(&transport->base.reconnects, nats_count_reconnects(transport->connection));
}

static void nats_answers_main(void *argument)
{
    struct nats_transport *transport = argument;
    uint64_t expire_ns = 0;

    while (!atomic_load(&transport->ending)) {
        natsMsg *answer = NULL;
        natsStatus status = natsSubscription_NextMsg(&answer, transport->answers, EXPIRE_EVERY_MS);
        if (status == NATS_OK)
            take_answer(transport, answer);
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

enum sl_status nats_publish_start(struct nats_transport *transport, struct sl_error *err)
{
    natsInbox *inbox = NULL;
    char pattern[NAME_SIZE];

    enum sl_status status = window_init(&transport->window, transport->config.max_pending, err);
    if (status)
        return status;
    natsStatus made = natsInbox_Create(&inbox);
    if (made)
        return nats_fail(err, made, "cannot make an inbox for answers");
    transport->answers_name = strdup(inbox);
    natsInbox_Destroy(inbox);
    if (!transport->answers_name)
        return sl_fail(err, SL_ENOMEM, "cannot allocate a name");
    (void) snprintf(pattern, sizeof pattern, "%s.*", transport->answers_name);
    made = natsConnection_SubscribeSync(&transport->answers, transport->connection, pattern);
    if (!made)
        made = natsSubscription_SetPendingLimits(transport->answers, -1, -1);
    if (made)
        return nats_fail(err, made, "cannot subscribe to answers");
    return ledger_start(transport->config.ledger, &transport->answers_thread, nats_answers_main,
                        transport, err, "pub-acks");
}

static natsStatus make_message(struct nats_transport *transport, size_t topic,
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
        status = natsMsgHeader_Set(made, NATS_KEY_HEADER, message->key);
    if (status)
        natsMsg_Destroy(made);
    else
        *ret_message = made;
    return status;
}

enum sl_status nats_publish(struct transport *base, size_t topic, const struct sl_message *message,
                            const char *id, uint64_t token, struct sl_error *err)
{
    struct nats_transport *transport = (struct nats_transport *) base;
    uint64_t name = 0, number = 0;
    natsMsg *made = NULL;

    if (fault_is_set(transport->config.faults, FAULT_SILENT_DOWNGRADE) &&
        nats_is_downgraded(transport, topic))
        return nats_fault_publish(transport, topic, message, token, err);
    if (take_slot(&transport->window, token, &name, &number))
        return sl_fail(err, SL_ECLOSED, "cannot publish to '%s': the bus is closing",
                       message->topic);
    natsStatus status = make_message(transport, topic, message, id, name, number, &made);
    if (!status)
        status = natsConnection_PublishMsg(transport->connection, made);
    natsMsg_Destroy(made);
    if (!status)
        return SL_OK;
    cancel_slot(&transport->window, name);
    return nats_fail(err, status, "cannot publish to '%s'", message->topic);
}

bool nats_wait_outcomes(struct transport *base, uint64_t deadline_ns)
{
    struct nats_window *window = &((struct nats_transport *) base)->window;
    bool in_time = true;
    sync_lock(&window->mutex);
    while (window->n_unsettled > 0 && in_time)
        in_time = sync_wait_until(&window->settled, &window->mutex, deadline_ns);
    bool done = window->n_unsettled == 0;
    sync_unlock(&window->mutex);
    return done;
}

void nats_interrupt(struct transport *base)
{
    struct nats_window *window = &((struct nats_transport *) base)->window;
    sync_lock(&window->mutex);
    window->interrupted = true;
    sync_broadcast(&window->freed);
    sync_unlock(&window->mutex);
}

uint64_t nats_publish_finish(struct nats_transport *transport, uint64_t deadline_ns)
{
    if (!transport->answers_name)
        return 0; /* it was never started */
    uint64_t n_unknown = 0;
    if (!nats_wait_outcomes(&transport->base, deadline_ns))
        n_unknown = settle_older(transport, UINT64_MAX);
    atomic_store(&transport->ending, true);
    if (transport->answers)
        (void) natsSubscription_Unsubscribe(transport->answers);
    /* Only a callback of the user's can keep it, and that one has had until the deadline. */
    (void) ledger_join(&transport->answers_thread,
                       SL_MAX(deadline_ns, sync_deadline(50 * SL_NS_PER_MS)));
    return n_unknown;
}

void nats_publish_release(struct nats_transport *transport)
{
    free(transport->answers_name);
    if (!transport->window.slots)
        return;
    free(transport->window.slots);
    sync_cond_release(&transport->window.settled);
    sync_cond_release(&transport->window.freed);
    sync_mutex_release(&transport->window.mutex);
}
