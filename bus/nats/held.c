/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a JetStream subscription holds: messages that were fetched and not yet
 * answered.  A worker answers on its own thread; the monitor extends all of them.
 *
 * A natsMsg may be read and destroyed on any thread: its data and headers are its
 * own, and its pointer to the subscription is used by the library's acknowledging
 * functions only, which is why answers are published to the reply subject instead.
 */
#include "bus/nats/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/macros.h"
#include "base/sync.h"

#define ACK_CHUNK 32u

/* Blocks with room for copies.  When more is held, handlers are slow and copies win nothing. */
#define MAX_TEXT_BLOCKS 128u

static void ring_init(struct jetstream_held *head)
{
    head->next = head->previous = head;
}

static void ring_remove(struct jetstream_held *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
}

static void ring_append(struct jetstream_held *head, struct jetstream_held *node)
{
    node->next = head;
    node->previous = head->previous;
    node->previous->next = node;
    head->previous = node;
}

void jetstream_held_init(struct jetstream_subscription *subscription)
{
    ring_init(&subscription->held);
}

void jetstream_held_release(struct jetstream_subscription *subscription)
{
    for (struct jetstream_block *block = subscription->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
}

void jetstream_held_recycle(struct jetstream_subscription *subscription)
{
    sync_lock(&subscription->mutex);
    struct jetstream_held *node = SL_TAKE(subscription->answered);
    sync_unlock(&subscription->mutex);
    while (node) {
        struct jetstream_held *next = node->next;
        natsMsg_Destroy(node->message);
        node->next = subscription->spare;
        subscription->spare = node;
        node = next;
    }
}

static bool add_block(struct jetstream_subscription *subscription)
{
    bool copies = subscription->n_blocks < MAX_TEXT_BLOCKS;
    struct jetstream_block *block = NULL;
    const size_t n = SL_COUNT_OF(block->nodes);

    block = calloc(1, sizeof *block + (copies ? n * sizeof *block->texts : 0));
    if (!block)
        return false;
    block->next = subscription->blocks;
    subscription->blocks = block;
    subscription->n_blocks++;
    for (size_t i = 0; i < n; i++) {
        block->nodes[i].text = copies ? block->texts[i] : NULL;
        block->nodes[i].next = subscription->spare;
        subscription->spare = &block->nodes[i];
    }
    return true;
}

struct jetstream_held *jetstream_held_new(struct jetstream_subscription *subscription)
{
    if (!subscription->spare) {
        sync_lock(&subscription->mutex);
        subscription->spare = SL_TAKE(subscription->free);
        sync_unlock(&subscription->mutex);
    }
    if (!subscription->spare && !add_block(subscription))
        return NULL;
    struct jetstream_held *node = subscription->spare;
    subscription->spare = node->next;
    return node;
}

static natsConnection *connection_of(const struct jetstream_subscription *subscription)
{
    return ((struct jetstream_transport *) subscription->base.transport)->connection;
}

/* Of a copy that is not needed: its acknowledgement was lost, if there was one. */
static void drop_copy(struct jetstream_subscription *subscription, struct jetstream_held *node)
{
    if (node->verdict == TRACK_FINISHED)
        (void) natsConnection_PublishString(connection_of(subscription), node->reply, "+ACK");
    natsMsg_Destroy(node->message);
    node->next = subscription->spare;
    subscription->spare = node;
}

size_t jetstream_held_admit(struct jetstream_subscription *subscription,
                            struct delivery *deliveries, size_t n)
{
    size_t n_taken = 0;

    sync_lock(&subscription->mutex);
    for (size_t i = 0; i < n; i++) {
        struct jetstream_held *node = deliveries[i].handle;
        node->verdict = track_arrive(&subscription->track, node->sequence, node->stored_ns);
        node->era = subscription->track.era;
        if (node->verdict != TRACK_TAKE)
            continue;
        ring_append(&subscription->held, node);
        n_taken++;
    }
    subscription->n_held += n_taken;
    sync_unlock(&subscription->mutex);
    if (n_taken == n)
        return n;
    n_taken = 0;
    for (size_t i = 0; i < n; i++) {
        struct jetstream_held *node = deliveries[i].handle;
        if (node->verdict == TRACK_TAKE)
            deliveries[n_taken++] = deliveries[i];
        else
            drop_copy(subscription, node);
    }
    return n_taken;
}

typedef void (*track_change)(struct track *track, uint64_t sequence, uint32_t era);

/*
 * Answer up to ACK_CHUNK deliveries and let them go.
 *
 * The library frees messages on a thread of its own, which wakes up whenever it has nothing
 * left to do.  So a fetcher that will be back soon destroys them, all of its topic in one go.
 */
static void answer(struct jetstream_subscription *subscription, const struct delivery *deliveries,
                   size_t n, const char *verb, track_change change)
{
    natsMsg *messages[ACK_CHUNK];
    int size = (int) strlen(verb);

    for (size_t i = 0; i < n; i++) {
        const struct jetstream_held *node = deliveries[i].handle;
        messages[i] = node->message;
        /* What can not be sent is redelivered. */
        (void) natsConnection_Publish(connection_of(subscription), node->reply, verb, size);
    }
    sync_lock(&subscription->mutex);
    bool leave = !subscription->waiting;
    for (size_t i = 0; i < n; i++) {
        struct jetstream_held *node = deliveries[i].handle;
        struct jetstream_held **list =
            leave && messages[i] ? &subscription->answered : &subscription->free;
        change(&subscription->track, node->sequence, node->era);
        ring_remove(node);
        node->next = *list;
        *list = node;
    }
    subscription->n_held -= n;
    sync_unlock(&subscription->mutex);
    for (size_t i = 0; !leave && i < n; i++)
        natsMsg_Destroy(messages[i]);
}

static void answer_all(struct jetstream_subscription *subscription,
                       const struct delivery *deliveries, size_t n, const char *verb,
                       track_change change)
{
    for (size_t i = 0; i < n; i += ACK_CHUNK)
        answer(subscription, deliveries + i, SL_MIN(n - i, (size_t) ACK_CHUNK), verb, change);
}

void jetstream_ack(struct subscription *base, const struct delivery *deliveries, size_t n)
{
    answer_all((struct jetstream_subscription *) base, deliveries, n, "+ACK", track_done);
}

void jetstream_terminate(struct subscription *base, const struct delivery *deliveries, size_t n)
{
    answer_all((struct jetstream_subscription *) base, deliveries, n, "+TERM", track_done);
}

void jetstream_give_back(struct subscription *base, const struct delivery *deliveries, size_t n,
                         uint64_t delay_ns)
{
    char verb[64] = "-NAK";
    if (delay_ns > 0)
        (void) snprintf(verb, sizeof verb, "-NAK {\"delay\": %llu}", (unsigned long long) delay_ns);
    answer_all((struct jetstream_subscription *) base, deliveries, n, verb, track_given_back);
}

/*
 * The reply subjects are copied first, one after another with their NULs: workers
 * may acknowledge and destroy the messages as soon as the lock is gone.
 */
static char *copy_replies(struct jetstream_subscription *subscription, uint64_t before_ns,
                          uint64_t now_ns, size_t *ret_size)
{
    char *replies = NULL;
    size_t size = 0, capacity = 0;

    sync_lock(&subscription->mutex);
    for (struct jetstream_held *node = subscription->held.next; node != &subscription->held;
         node = node->next) {
        if (node->touched_ns > before_ns)
            continue;
        size_t length = strlen(node->reply) + 1;
        if (!sl_grow(&replies, &capacity, size + length))
            break;
        memcpy(replies + size, node->reply, length);
        size += length;
        node->touched_ns = now_ns;
    }
    sync_unlock(&subscription->mutex);
    *ret_size = size;
    return replies;
}

void jetstream_tell_held(struct jetstream_subscription *subscription, const char *verb,
                         uint64_t age_ns)
{
    uint64_t now_ns = sl_clock_now_ns();
    size_t size = 0;
    SL_AUTO_FREE char *replies = copy_replies(subscription, now_ns - age_ns, now_ns, &size);

    for (size_t at = 0; at < size; at += strlen(replies + at) + 1)
        (void) natsConnection_Publish(connection_of(subscription), replies + at, verb,
                                      (int) strlen(verb));
}

void jetstream_drop_held(struct jetstream_subscription *subscription)
{
    struct jetstream_held *head = &subscription->held;
    for (struct jetstream_held *node = head->next; node != head; node = node->next)
        natsMsg_Destroy(node->message);
    ring_init(head);
    subscription->n_held = 0;
}
