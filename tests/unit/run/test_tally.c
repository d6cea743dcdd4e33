/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "harness/load/tally.h"

enum {
    TRIED = SL_MESSAGE_TRIED,
    ACCEPTED = SL_MESSAGE_TRIED | SL_MESSAGE_ACCEPTED,
    REJECTED = SL_MESSAGE_TRIED | SL_MESSAGE_REJECTED,
    HANDLED = SL_MESSAGE_ENTERED | SL_MESSAGE_HANDLED,
};

static struct sl_tally *tally_of(const unsigned char *states, uint32_t n)
{
    struct sl_tally *tally = sl_tally_new(n);

    cr_assert(tally);
    memcpy(tally->states, states, n);
    return tally;
}

SL_TEST(tally, what_processes_know_of_a_message_adds_up)
{
    const unsigned char east[] = {ACCEPTED, 0, REJECTED, 0, TRIED, 0};
    const unsigned char west[] = {0, ACCEPTED, 0, ACCEPTED, 0, 0};
    const unsigned char south[] = {HANDLED, 0, 0, HANDLED, 0, 0};
    SL_AUTO(sl_tally) struct sl_tally *all = sl_tally_new(6);
    const unsigned char *const parts[] = {east, west, south};
    struct sl_load_counts counts;

    for (size_t i = 0; i < SL_COUNT_OF(parts); i++) {
        SL_AUTO(sl_tally) struct sl_tally *part = tally_of(parts[i], 6);
        cr_assert_eq(sl_tally_merge(all, part, NULL), SL_OK);
    }
    sl_tally_count(all, &counts);
    cr_assert_eq(counts.published, 3);
    cr_assert_eq(counts.rejected, 1);
    cr_assert_eq(counts.unknown, 1);
    cr_assert_eq(counts.handled, 2);
    cr_assert_eq(counts.handler_calls, 2);
}

SL_TEST(tally, a_message_that_two_processes_handled_is_one_message_and_a_repetition)
{
    const unsigned char handled[] = {HANDLED, 0};
    SL_AUTO(sl_tally) struct sl_tally *all = tally_of(handled, 2);
    SL_AUTO(sl_tally) struct sl_tally *other = tally_of(handled, 2);
    struct sl_load_counts counts;

    other->repeated = 4;
    cr_assert_eq(sl_tally_merge(all, other, NULL), SL_OK);
    sl_tally_count(all, &counts);
    cr_assert_eq(counts.handled, 1);
    cr_assert_eq(counts.handler_calls, 6);
}

SL_TEST(tally, two_publishers_of_one_message_are_refused)
{
    const unsigned char published[] = {ACCEPTED};
    SL_AUTO(sl_tally) struct sl_tally *all = tally_of(published, 1);
    SL_AUTO(sl_tally) struct sl_tally *other = tally_of(published, 1);
    struct sl_error err = {0};

    sl_assert_fails(sl_tally_merge(all, other, &err), SL_EPROTO, &err, "two processes");
}

static struct sl_tally *some_tally(void)
{
    const unsigned char states[] = {ACCEPTED, ACCEPTED, ACCEPTED, 0, 0, HANDLED, 0, 0};
    struct sl_tally *tally = tally_of(states, sizeof states);

    tally->repeated = 3;
    tally->redelivered = 2;
    tally->order_violations = 1;
    (void) strcpy(tally->first_violation, "topic t key k: 7 after 8");
    tally->timed_out = true;
    tally->first_intended_ns = 1000;
    tally->first_call_ns = 1100;
    tally->last_return_ns = 9000;
    tally->first_handled_ns = 1500;
    tally->last_handled_ns = 9500;
    for (uint64_t i = 0; i < 5; i++)
        sl_histogram_record(tally->publish_latency, 700 * i);
    sl_histogram_record(tally->end_to_end, 123456789);
    return tally;
}

SL_TEST(tally, packed_and_unpacked_it_is_the_same)
{
    SL_AUTO(sl_tally) struct sl_tally *sent = some_tally(), *got = NULL;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0}, again = {0};
    struct sl_error err = {0};

    sl_tally_pack(sent, &packer);
    cr_assert_leq(packer.size, sl_tally_size_max(sent->n_events));
    sl_assert_ok(sl_tally_unpack(packer.data, packer.size, sent->n_events, &got, &err), &err);
    cr_assert_eq(memcmp(got->states, sent->states, sent->n_events), 0);
    cr_assert_str_eq(got->first_violation, sent->first_violation);
    sl_tally_pack(got, &again);
    cr_assert_eq(again.size, packer.size);
    cr_assert_eq(memcmp(again.data, packer.data, packer.size), 0);
}

SL_TEST(tally, one_that_is_cut_or_too_long_or_of_another_load_is_refused)
{
    SL_AUTO(sl_tally) struct sl_tally *sent = some_tally(), *got = NULL;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    sl_tally_pack(sent, &packer);
    for (size_t size = 0; size < packer.size; size++)
        cr_assert_eq(sl_tally_unpack(packer.data, size, sent->n_events, &got, NULL), SL_EPROTO);
    cr_assert_eq(sl_tally_unpack(packer.data, packer.size, sent->n_events - 1, &got, NULL),
                 SL_EPROTO);
    cr_assert_eq(sl_tally_unpack(packer.data, packer.size, sent->n_events + 1, &got, NULL),
                 SL_EPROTO);
    sl_pack_number(&packer, 0);
    cr_assert_eq(sl_tally_unpack(packer.data, packer.size, sent->n_events, &got, NULL), SL_EPROTO);
}

SL_TEST(tally, more_samples_than_messages_are_refused)
{
    SL_AUTO(sl_tally) struct sl_tally *sent = sl_tally_new(2), *got = NULL;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    for (int i = 0; i < 3; i++)
        sl_histogram_record(sent->end_to_end, 5);
    sl_tally_pack(sent, &packer);
    cr_assert_eq(sl_tally_unpack(packer.data, packer.size, 2, &got, NULL), SL_EPROTO);
}

SL_TEST(tally, the_worst_states_fit_into_the_largest_size)
{
    enum { N = 5000 };
    SL_AUTO(sl_tally) struct sl_tally *tally = sl_tally_new(N);
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    for (uint32_t i = 0; i < N; i++)
        tally->states[i] = i % 2 ? HANDLED : ACCEPTED;
    for (uint64_t value = 1; value < SL_HISTOGRAM_LIMIT_NS; value += value / 2048 + 1) {
        sl_histogram_record(tally->publish_latency, value);
        sl_histogram_record(tally->end_to_end, value);
    }
    sl_tally_pack(tally, &packer);
    cr_assert_leq(packer.size, sl_tally_size_max(N));
}
