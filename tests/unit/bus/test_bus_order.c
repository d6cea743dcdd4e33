/* SPDX-License-Identifier: Apache-2.0 */
/* Where an ordered delivery begins, by what the server says of its consumer. */
#include "sl_test.h"

#include "base/sync.h"
#include "bus/nats/order.h"

/* Ends the track of a subscription that has no server. */
static void release(struct jetstream_subscription *subscription)
{
    track_release(&subscription->track);
    sync_mutex_release(&subscription->mutex);
}

static struct jetstream_subscription begin(const jsConsumerInfo *info)
{
    struct jetstream_subscription subscription = {.gap = 7, .mutex = PTHREAD_MUTEX_INITIALIZER};

    cr_assert(jetstream_order_begin(&subscription, info));
    return subscription;
}

SL_TEST(bus_order, what_an_earlier_consumer_owes_is_missing_from_the_beginning)
{
    /* 40 was acknowledged with all before it, 42 was given, one of the two between is owed. */
    const jsConsumerInfo info = {.AckFloor = {.Consumer = 10, .Stream = 40},
                                 .Delivered = {.Consumer = 12, .Stream = 42},
                                 .NumAckPending = 1};
    SL_CLEANUP(release) struct jetstream_subscription subscription = begin(&info);

    cr_assert_eq(track_missing(&subscription.track, 0), 41);
    cr_assert_eq(subscription.gap, TRACK_NONE, "none was asked for yet");
    cr_assert_eq(subscription.consumer_number, 12, "of the last delivery, to ask for more");
}

SL_TEST(bus_order, a_consumer_that_owes_nothing_begins_behind_what_it_gave)
{
    const jsConsumerInfo info = {.AckFloor = {.Consumer = 12, .Stream = 42},
                                 .Delivered = {.Consumer = 12, .Stream = 42}};
    SL_CLEANUP(release) struct jetstream_subscription subscription = begin(&info);

    cr_assert_eq(track_missing(&subscription.track, 0), TRACK_NONE);
    cr_assert_eq(track_arrive(&subscription.track, 42, 1), TRACK_FINISHED);
    cr_assert_eq(track_arrive(&subscription.track, 43, 2), TRACK_TAKE);
}

/* Otherwise what was asked for in vain would count as deleted, or given up, too early. */
SL_TEST(bus_order, after_a_reconnect_a_gap_begins_anew_and_is_asked_for_at_once)
{
    struct jetstream_subscription subscription = {.gap = 7, .gap_ns = 1, .ask_ns = UINT64_MAX};

    jetstream_order_ask_again(&subscription);
    cr_assert_eq(subscription.gap, TRACK_NONE);
    cr_assert_eq(subscription.ask_ns, 0);
}
