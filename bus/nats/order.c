/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order over the loss of deliveries.
 *
 * A server delivers in the order of the stream.  What it sent into a connection that had
 * just died it sends again only after the redelivery time, and meanwhile goes on with what
 * follows; likewise with what a consumer process that was killed had in hand.  The numbers of
 * the messages show the gap.  What came behind it is parked, and what is missing is asked for
 * by a negative acknowledgement in its name, which makes the server send it at once.
 */
#include "bus/nats/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/macros.h"
#include "base/sync.h"
#include "bus/nats/held.h"

#define ASK_AT_MOST 256u /* missing messages in one go; the first ones matter most */
#define ASK_EVERY   SL_NS_PER_S

/* What has not come after so long may have been acknowledged, or deleted. */
#define LOOK_AFTER_NS SL_NS_PER_S
#define LOOK_AT_MOST  16u
#define LOOK_MS       1000

/* On top of the redelivery time, after which the server redelivers unasked. */
#define GIVE_UP_NS (5 * SL_NS_PER_S)

static struct jetstream_transport *transport_of(const struct jetstream_subscription *subscription)
{
    return (struct jetstream_transport *) subscription->base.transport;
}

bool jetstream_order_begin(struct jetstream_subscription *subscription, const jsConsumerInfo *info)
{
    struct track *track = &subscription->track;
    uint64_t floor = info->AckFloor.Stream, delivered = info->Delivered.Stream;
    uint64_t n_owed = SL_MIN((uint64_t) info->NumAckPending, delivered - SL_MIN(floor, delivered));

    subscription->consumer_number = info->Delivered.Consumer;
    subscription->gap = TRACK_NONE;
    track_init(track, n_owed > 0 ? floor + 1 : delivered + 1);
    return n_owed == 0 || track_owe(track, delivered + 1, n_owed);
}

static uint64_t first_missing(struct jetstream_subscription *subscription)
{
    if (fault_is_any(transport_of(subscription)->config.faults, JETSTREAM_FAULTS_OF_SHARING))
        return TRACK_NONE; /* it is the other fetcher's */
    sync_lock(&subscription->mutex);
    uint64_t sequence = track_missing(&subscription->track, 0);
    sync_unlock(&subscription->mutex);
    return sequence;
}

static uint64_t sequence_of(const struct delivery *delivery)
{
    return ((const struct jetstream_held *) delivery->handle)->sequence;
}

/* Into the place of its sequence, which is mostly the last one. */
static bool park(struct jetstream_subscription *subscription, const struct delivery *delivery)
{
    if (!sl_grow(&subscription->parked, &subscription->parked_capacity, subscription->n_parked + 1))
        return false;
    size_t place = subscription->n_parked++;
    struct delivery *parked = subscription->parked;
    for (; place > 0 && sequence_of(&parked[place - 1]) > sequence_of(delivery); place--)
        parked[place] = parked[place - 1];
    parked[place] = *delivery;
    return true;
}

/* What is before the first missing message waits no longer. */
static void release_parked(struct jetstream_subscription *subscription, uint64_t missing)
{
    size_t n = 0;

    while (n < subscription->n_parked && sequence_of(&subscription->parked[n]) < missing)
        n++;
    if (n == 0 ||
        !sl_grow(&subscription->ready, &subscription->ready_capacity, subscription->n_ready + n))
        return;
    memcpy(subscription->ready + subscription->n_ready, subscription->parked,
           n * sizeof *subscription->parked);
    subscription->n_ready += n;
    subscription->n_parked -= n;
    memmove(subscription->parked, subscription->parked + n,
            subscription->n_parked * sizeof *subscription->parked);
}

static bool is_ascending(const struct delivery *deliveries, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (sequence_of(&deliveries[i]) < sequence_of(&deliveries[i - 1]))
            return false;
    return true;
}

/* A gap may have been opened and filled within the deliveries: then they are sorted, too. */
size_t jetstream_order_pass(struct jetstream_subscription *subscription,
                            const struct delivery *deliveries, size_t n)
{
    uint64_t missing = n > 0 ? first_missing(subscription) : TRACK_NONE;

    if (n == 0 ||
        (missing == TRACK_NONE && subscription->n_parked == 0 && is_ascending(deliveries, n)))
        return n;
    for (size_t i = 0; i < n; i++)
        if (!park(subscription, &deliveries[i]))
            jetstream_give_back(&subscription->base, &deliveries[i], 1, 0);
    release_parked(subscription, missing);
    return 0;
}

/* The missing sequences, first ones first.  @return how many */
static size_t list_missing(struct jetstream_subscription *subscription, uint64_t ret_sequences[])
{
    size_t n = 0;

    sync_lock(&subscription->mutex);
    uint64_t sequence = track_missing(&subscription->track, 0);
    for (; sequence != TRACK_NONE && n < ASK_AT_MOST;
         sequence = track_missing(&subscription->track, sequence + 1))
        ret_sequences[n++] = sequence;
    sync_unlock(&subscription->mutex);
    return n;
}

/* The server looks at the stream's sequence, and that the consumer's may be of an open one. */
static void ask_for(struct jetstream_subscription *subscription, uint64_t sequence)
{
    char subject[1024];

    int size = snprintf(subject, sizeof subject, "$JS.ACK.%s.%s.1.%llu.%llu.0.0",
                        subscription->stream, subscription->stream, (unsigned long long) sequence,
                        (unsigned long long) subscription->consumer_number);
    if (size < (int) sizeof subject)
        (void) natsConnection_PublishString(transport_of(subscription)->connection, subject,
                                            "-NAK");
}

/*
 * Everything up to here was acknowledged, says the server: by an earlier consumer, whose last
 * acknowledgements it had not read when it said how many it missed.  0 when it says nothing.
 */
static uint64_t read_floor(struct jetstream_subscription *subscription)
{
    jsConsumerInfo *info = NULL;
    jsOptions options;

    (void) jsOptions_Init(&options);
    options.Wait = LOOK_MS;
    if (js_GetConsumerInfo(&info, transport_of(subscription)->jetstream, subscription->stream,
                           subscription->stream, &options, NULL))
        return 0;
    uint64_t floor = info->AckFloor.Stream;
    jsConsumerInfo_Destroy(info);
    return floor;
}

/* @return the server says that the stream has no such message */
static bool is_deleted(struct jetstream_subscription *subscription, uint64_t sequence)
{
    natsMsg *message = NULL;
    jsErrCode code = 0;
    jsOptions options;

    (void) jsOptions_Init(&options);
    options.Wait = LOOK_MS;
    natsStatus status = js_GetMsg(&message, transport_of(subscription)->jetstream,
                                  subscription->stream, sequence, &options, &code);
    natsMsg_Destroy(message);
    return status == NATS_NOT_FOUND || code == JSNoMessageFoundErr;
}

static void settle_missing(struct jetstream_subscription *subscription, uint64_t sequence,
                           void (*settle)(struct track *track, uint64_t sequence))
{
    sync_lock(&subscription->mutex);
    settle(&subscription->track, sequence);
    sync_unlock(&subscription->mutex);
}

static void settle_lost(struct jetstream_subscription *subscription, const uint64_t *sequences,
                        size_t n, uint64_t age_ns)
{
    uint64_t give_up_ns = transport_of(subscription)->config.ack_wait_ns + GIVE_UP_NS;
    uint64_t floor = read_floor(subscription);
    unsigned n_looks = 0;

    for (size_t i = 0; i < n; i++) {
        if (age_ns >= give_up_ns || sequences[i] <= floor)
            settle_missing(subscription, sequences[i], track_give_up);
        else if (n_looks++ < LOOK_AT_MOST && is_deleted(subscription, sequences[i]))
            settle_missing(subscription, sequences[i], track_gone);
    }
    release_parked(subscription, first_missing(subscription));
}

void jetstream_order_ask(struct jetstream_subscription *subscription)
{
    uint64_t sequences[ASK_AT_MOST];
    uint64_t missing = first_missing(subscription);

    if (missing == TRACK_NONE) {
        subscription->gap = TRACK_NONE;
        return;
    }
    uint64_t now_ns = sl_clock_now_ns();
    if (missing != subscription->gap) {
        subscription->gap = missing;
        subscription->gap_ns = now_ns;
    }
    if (now_ns < subscription->ask_ns)
        return;
    subscription->ask_ns = now_ns + ASK_EVERY;
    size_t n = list_missing(subscription, sequences);
    for (size_t i = 0; i < n; i++)
        ask_for(subscription, sequences[i]);
    if (now_ns - subscription->gap_ns >= LOOK_AFTER_NS)
        settle_lost(subscription, sequences, n, now_ns - subscription->gap_ns);
}

void jetstream_order_ask_again(struct jetstream_subscription *subscription)
{
    subscription->gap = TRACK_NONE;
    subscription->ask_ns = 0;
}
