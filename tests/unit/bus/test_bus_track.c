/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/macros.h"
#include "bus/nats/track.h"

#define T0 UINT64_C(1700000000000000000) /* when message 0 was stored; each takes 1 us more */

static enum track_verdict arrive(struct track *track, uint64_t sequence)
{
    return track_arrive(track, sequence, T0 + sequence * 1000);
}

static struct track track_from(uint64_t next)
{
    struct track track = {.base = 0};
    track_init(&track, next);
    return track;
}

SL_TEST(bus_track, a_message_is_taken_once)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    cr_assert_eq(arrive(&track, 1), TRACK_TAKE);
    cr_assert_eq(arrive(&track, 1), TRACK_IN_HAND);
    track_done(&track, 1, track.era);
    cr_assert_eq(arrive(&track, 1), TRACK_FINISHED);
    cr_assert_eq(arrive(&track, 2), TRACK_TAKE);
}

SL_TEST(bus_track, what_was_given_back_is_taken_again_and_nobody_waits_for_it)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    cr_assert_eq(arrive(&track, 1), TRACK_TAKE);
    track_given_back(&track, 1, track.era);
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_eq(arrive(&track, 1), TRACK_TAKE);
}

SL_TEST(bus_track, a_gap_is_missing_until_it_is_filled)
{
    SL_CLEANUP(track_release) struct track track = track_from(10);
    cr_assert_eq(arrive(&track, 10), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_eq(arrive(&track, 13), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), 11);
    cr_assert_eq(track_missing(&track, 12), 12);
    cr_assert_eq(arrive(&track, 12), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), 11);
    cr_assert_eq(arrive(&track, 11), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_eq(arrive(&track, 12), TRACK_IN_HAND);
}

SL_TEST(bus_track, a_missing_message_that_is_gone_or_given_up_is_not_waited_for)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    cr_assert_eq(arrive(&track, 3), TRACK_TAKE);
    track_gone(&track, 1);
    track_give_up(&track, 2);
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_eq(arrive(&track, 1), TRACK_FINISHED);
    cr_assert_eq(arrive(&track, 2), TRACK_TAKE, "it may still come");
}

SL_TEST(bus_track, what_was_given_up_costs_no_memory_for_ever)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    cr_assert_eq(arrive(&track, 2), TRACK_TAKE);
    track_give_up(&track, 1);
    for (uint64_t i = 2; i <= 2 * TRACK_MAX_DOUBT; i++) {
        if (i > 2)
            cr_assert_eq(arrive(&track, i), TRACK_TAKE);
        track_done(&track, i, track.era);
    }
    cr_assert_geq(track.base, TRACK_MAX_DOUBT);
    cr_assert_leq(track.capacity, 2 * TRACK_MAX_DOUBT);
}

SL_TEST(bus_track, what_an_earlier_consumer_left_is_missing_until_so_many_have_come)
{
    SL_CLEANUP(track_release) struct track track = track_from(5);
    cr_assert(track_owe(&track, 9, 2)); /* 5 to 8: two of them were not acknowledged */
    cr_assert_eq(track_missing(&track, 0), 5);
    cr_assert_eq(arrive(&track, 9), TRACK_TAKE);
    cr_assert_eq(arrive(&track, 6), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), 5);
    cr_assert_eq(arrive(&track, 8), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_eq(arrive(&track, 5), TRACK_FINISHED);
}

SL_TEST(bus_track, a_new_stream_of_the_same_name_is_recognised_by_its_time)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    for (uint64_t i = 1; i <= 100; i++)
        cr_assert_eq(arrive(&track, i), TRACK_TAKE);
    uint32_t old = track.era;
    cr_assert_eq(track_arrive(&track, 1, T0 + 200000), TRACK_TAKE);
    track_done(&track, 1, old);
    cr_assert_eq(track_arrive(&track, 1, T0 + 200000), TRACK_IN_HAND, "the old 1 was done");
    track_done(&track, 1, track.era);
    cr_assert_eq(track_arrive(&track, 1, T0 + 200000), TRACK_FINISHED);
}

SL_TEST(bus_track, a_missing_message_may_be_newer_than_those_behind_it)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    cr_assert_eq(track_arrive(&track, 3, T0), TRACK_TAKE);
    uint32_t era = track.era;
    cr_assert_eq(track_arrive(&track, 2, T0 + 5000), TRACK_TAKE);
    cr_assert_eq(track.era, era);
}

SL_TEST(bus_track, a_gap_too_wide_to_be_a_loss_is_not_missing)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    cr_assert_eq(arrive(&track, 1 + TRACK_MAX_GAP * 1000), TRACK_TAKE);
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_leq(track.capacity, 1024);
    cr_assert_eq(arrive(&track, 3 + TRACK_MAX_GAP * 1002), TRACK_TAKE, "with one in hand");
    cr_assert_eq(track_missing(&track, 0), TRACK_NONE);
    cr_assert_eq(arrive(&track, 1 + TRACK_MAX_GAP * 1000), TRACK_IN_HAND);
}

SL_TEST(bus_track, what_is_done_in_order_takes_no_room)
{
    SL_CLEANUP(track_release) struct track track = track_from(1);
    for (uint64_t i = 1; i <= 1000000; i++) {
        cr_assert_eq(arrive(&track, i), TRACK_TAKE);
        track_done(&track, i, track.era);
    }
    cr_assert_leq(track.capacity, 1024);
}
