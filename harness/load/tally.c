/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/tally.h"

#include <string.h>

#include "base/fail.h"

#define ALL_STATES                                                                                 \
    (SL_MESSAGE_TRIED | SL_MESSAGE_ANSWERED | SL_MESSAGE_ENTERED | SL_MESSAGE_HANDLED)

/* Of a tally's numbers and its text. */
#define REST_MAX                                                                                   \
    ((size_t) 32 * SL_PACKED_NUMBER_MAX + sizeof((struct sl_tally *) 0)->first_violation)

struct sl_tally *sl_tally_new(uint32_t n_events)
{
    SL_AUTO(sl_tally) struct sl_tally *tally = calloc(1, sizeof *tally);
    if (!tally)
        return NULL;
    tally->n_events = n_events;
    tally->states = calloc(SL_MAX(n_events, 1u), 1);
    tally->publish_latency = sl_histogram_new();
    tally->end_to_end = sl_histogram_new();
    if (!tally->states || !tally->publish_latency || !tally->end_to_end)
        return NULL;
    return SL_TAKE(tally);
}

void sl_tally_free(struct sl_tally *tally)
{
    if (!tally)
        return;
    sl_histogram_free(tally->publish_latency);
    sl_histogram_free(tally->end_to_end);
    free(tally->states);
    free(tally);
}

void sl_tally_pack_states(const unsigned char *states, uint32_t n_events, unsigned mask,
                          struct sl_packer *packer)
{
    for (uint32_t i = 0, end; i < n_events; i = end) {
        unsigned state = states[i] & mask;
        for (end = i + 1; end < n_events && (states[end] & mask) == state; end++)
            ;
        sl_pack_number(packer, end - i);
        sl_pack_number(packer, state);
    }
}

bool sl_tally_unpack_states(struct sl_unpacker *unpacker, unsigned char *states, uint32_t n_events)
{
    for (uint32_t i = 0; i < n_events;) {
        uint32_t length = (uint32_t) sl_unpack_number(unpacker, 1, n_events - i);
        unsigned state = (unsigned) sl_unpack_number(unpacker, 0, ALL_STATES);
        if (unpacker->failed)
            return false;
        memset(states + i, (int) state, length);
        i += length;
    }
    return true;
}

size_t sl_tally_size_max(uint32_t n_events)
{
    return 2 * (size_t) n_events + 2 * sl_histogram_packed_max() + REST_MAX;
}

void sl_tally_pack(const struct sl_tally *tally, struct sl_packer *packer)
{
    const uint64_t numbers[] = {
        tally->repeated,       tally->redelivered,       tally->order_violations,
        tally->timed_out,      tally->first_intended_ns, tally->first_call_ns,
        tally->last_return_ns, tally->first_handled_ns,  tally->last_handled_ns};

    sl_tally_pack_states(tally->states, tally->n_events, ALL_STATES, packer);
    for (size_t i = 0; i < SL_COUNT_OF(numbers); i++)
        sl_pack_number(packer, numbers[i]);
    sl_pack_text(packer, tally->first_violation);
    sl_histogram_pack(tally->publish_latency, packer);
    sl_histogram_pack(tally->end_to_end, packer);
}

static bool read_packed(struct sl_unpacker *unpacker, struct sl_tally *tally)
{
    const uint64_t count_max = UINT64_C(1) << 40; /* sums of it do not overflow */

    if (!sl_tally_unpack_states(unpacker, tally->states, tally->n_events))
        return false;
    tally->repeated = sl_unpack_number(unpacker, 0, count_max);
    tally->redelivered = sl_unpack_number(unpacker, 0, count_max);
    tally->order_violations = sl_unpack_number(unpacker, 0, count_max);
    tally->timed_out = sl_unpack_number(unpacker, 0, 1);
    tally->first_intended_ns = sl_unpack_number(unpacker, 0, INT64_MAX);
    tally->first_call_ns = sl_unpack_number(unpacker, 0, INT64_MAX);
    tally->last_return_ns = sl_unpack_number(unpacker, tally->first_call_ns, INT64_MAX);
    tally->first_handled_ns = sl_unpack_number(unpacker, 0, INT64_MAX);
    tally->last_handled_ns = sl_unpack_number(unpacker, tally->first_handled_ns, INT64_MAX);
    sl_unpack_text(unpacker, tally->first_violation, sizeof tally->first_violation);
    return sl_histogram_unpack(tally->publish_latency, unpacker) &&
           sl_histogram_unpack(tally->end_to_end, unpacker) && sl_unpack_ends(unpacker);
}

/* A message has no more than one sample of each kind. */
static bool has_too_many_samples(const struct sl_tally *tally)
{
    struct sl_latency_summary publish, end_to_end;

    sl_histogram_summarize(tally->publish_latency, &publish);
    sl_histogram_summarize(tally->end_to_end, &end_to_end);
    return publish.count > tally->n_events || end_to_end.count > tally->n_events;
}

enum sl_status sl_tally_unpack(const void *data, size_t size, uint32_t n_events,
                               struct sl_tally **ret_tally, struct sl_error *err)
{
    struct sl_unpacker unpacker = {.at = data, .left = size};
    SL_AUTO(sl_tally) struct sl_tally *tally = sl_tally_new(n_events);

    if (!tally)
        return sl_fail(err, SL_ENOMEM, "out of memory for a tally of %u events", n_events);
    if (!read_packed(&unpacker, tally) || has_too_many_samples(tally))
        return sl_fail(err, SL_EPROTO, "not a tally of %u events: %zu bytes", n_events, size);
    *ret_tally = SL_TAKE(tally);
    return SL_OK;
}

/* The earlier of two times, of which 0 is none. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
    return !a || (b && b < a) ? b : a;
}

enum sl_status
sl_tally_merge(struct sl_tally *into, const struct sl_tally *from, struct sl_error *err)
{
    if (into->n_events != from->n_events)
        return sl_fail(err, SL_EPROTO, "tallies of %u and of %u events", into->n_events,
                       from->n_events);
    for (uint32_t i = 0; i < from->n_events; i++)
        if (into->states[i] & from->states[i] & SL_MESSAGE_TRIED)
            return sl_fail(err, SL_EPROTO, "message %u was published by two processes", i);
    for (uint32_t i = 0; i < from->n_events; i++) {
        /* Who handles what another one has handled too calls the handler once more. */
        into->repeated += (into->states[i] & from->states[i] & SL_MESSAGE_HANDLED) != 0;
        into->states[i] |= from->states[i];
    }
    into->repeated += from->repeated;
    into->redelivered += from->redelivered;
    if (!into->order_violations)
        memcpy(into->first_violation, from->first_violation, sizeof into->first_violation);
    into->order_violations += from->order_violations;
    into->timed_out |= from->timed_out;
    into->first_intended_ns = earlier(into->first_intended_ns, from->first_intended_ns);
    into->first_call_ns = earlier(into->first_call_ns, from->first_call_ns);
    into->last_return_ns = SL_MAX(into->last_return_ns, from->last_return_ns);
    into->first_handled_ns = earlier(into->first_handled_ns, from->first_handled_ns);
    into->last_handled_ns = SL_MAX(into->last_handled_ns, from->last_handled_ns);
    sl_histogram_merge(into->publish_latency, from->publish_latency);
    sl_histogram_merge(into->end_to_end, from->end_to_end);
    return SL_OK;
}

void sl_tally_count(const struct sl_tally *tally, struct sl_load_counts *ret_counts)
{
    struct sl_load_counts counts = {
        .redelivered = tally->redelivered,
        .order_violations = tally->order_violations,
        .first_handled_ns = tally->first_handled_ns,
        .last_handled_ns = tally->last_handled_ns,
    };

    for (uint32_t i = 0; i < tally->n_events; i++)
        sl_checker_classify(tally->states[i], &counts);
    counts.handler_calls = counts.handled + tally->repeated;
    memcpy(counts.first_violation, tally->first_violation, sizeof counts.first_violation);
    *ret_counts = counts;
}

void sl_tally_record(const struct sl_tally *tally, struct sl_load_record *record)
{
    const struct sl_load_counts *counts = &record->counts;

    sl_tally_count(tally, &record->counts);
    record->timed_out = tally->timed_out;
    /* Clocks of two machines may disagree by more than a short load took. */
    record->load_ns = counts->last_handled_ns > tally->first_intended_ns
                          ? counts->last_handled_ns - tally->first_intended_ns
                          : 0;
    record->publish_ns = tally->last_return_ns - tally->first_call_ns;
    sl_histogram_summarize(tally->publish_latency, &record->publish_latency);
    sl_histogram_summarize(tally->end_to_end, &record->end_to_end);
}
