/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_result.h"

#include "base/clock.h"

/* A rate is given only when the clocks can not have changed it by more than 1 in so many. */
#define RATE_PRECISION 100

/* A percentile is given only when at least this many samples lie above it. */
#define SAMPLES_ABOVE 10

static const char too_few[] = "fewer than 10 samples above this percentile";

static struct sl_latency missing_latency(const char *missing)
{
    struct sl_value none = SL_MISSING_VALUE(missing);
    return (struct sl_latency){none, none, none, none, none, none, none};
}

void sl_trial_result_init(struct sl_trial_result *result, const char *missing)
{
    struct sl_value none = SL_MISSING_VALUE(missing);
    struct sl_real no_rate = SL_MISSING_REAL(missing);

    *result = (struct sl_trial_result){
        .status = SL_TRIAL_FAILED,
        .delivery = {none, none, none, none, none, none, none, none, NULL},
        .rate = {no_rate, no_rate, no_rate},
        .latency = {missing_latency(missing), missing_latency(missing)},
        .threads = {none, none, none},
        .resources = {none, none, none, none, none, none, none, none},
        .close = {.duration_ns = none, .threads_abandoned = none, .messages_abandoned = none},
        .leaks_missing = missing,
        .leaks = {.unjoined_missing = missing},
        .left = {.descriptors = none, .processes = none, .timers = none, .threads = none},
    };
}

static struct sl_real per_second(uint64_t count, uint64_t duration_ns, const char *missing)
{
    if (!count || !duration_ns)
        return SL_MISSING_REAL(missing);
    return SL_REAL((double) count * (double) SL_NS_PER_S / (double) duration_ns);
}

/* per_mille: 999 for p99.9 */
static struct sl_value percentile(uint64_t value, uint64_t count, uint64_t per_mille)
{
    if (count * (1000 - per_mille) < SAMPLES_ABOVE * UINT64_C(1000))
        return SL_MISSING_VALUE(too_few);
    return SL_VALUE(value);
}

static struct sl_latency latency(const struct sl_latency_summary *summary)
{
    if (!summary->count)
        return missing_latency("no sample");
    return (struct sl_latency){
        .count = SL_VALUE(summary->count),
        .min = SL_VALUE(summary->min),
        .p50 = percentile(summary->p50, summary->count, 500),
        .p90 = percentile(summary->p90, summary->count, 900),
        .p99 = percentile(summary->p99, summary->count, 990),
        .p999 = percentile(summary->p999, summary->count, 999),
        .max = SL_VALUE(summary->max),
    };
}

void sl_trial_result_delivery(struct sl_trial_result *result, const struct sl_load_counts *counts,
                              struct sl_arena *arena)
{
    uint64_t lost = counts->published > counts->handled ? counts->published - counts->handled : 0;

    result->delivery = (struct sl_delivery){
        .published = SL_VALUE(counts->published),
        .rejected = SL_VALUE(counts->rejected),
        .unknown = SL_VALUE(counts->unknown),
        .handled = SL_VALUE(counts->handled),
        .lost = SL_VALUE(lost),
        .duplicates = SL_VALUE(counts->handler_calls - counts->handled),
        .redelivered = SL_VALUE(counts->redelivered),
        .order_violations = SL_VALUE(counts->order_violations),
        .first_violation =
            counts->first_violation[0] ? sl_arena_strdup(arena, counts->first_violation) : NULL,
    };
}

void sl_trial_result_load(struct sl_trial_result *result, const struct sl_load_record *record,
                          const struct sl_scenario_load *load, struct sl_arena *arena)
{
    sl_trial_result_delivery(result, &record->counts, arena);
    result->rate.offered = load->rate ? SL_REAL((double) load->rate)
                                      : SL_MISSING_REAL("saturating load has no intended rate");
    result->rate.publish =
        per_second(record->counts.published, record->publish_ns, "no message was accepted");
    result->rate.delivered =
        per_second(record->counts.handled, record->load_ns, "no message was handled");
    result->latency.publish = latency(&record->publish_latency);
    result->latency.end_to_end = latency(&record->end_to_end);
    result->resources.cpu_user_ns = SL_VALUE(record->cpu_user_ns);
    result->resources.cpu_sys_ns = SL_VALUE(record->cpu_sys_ns);
    result->resources.ctx_voluntary = SL_VALUE(record->ctx_voluntary);
    result->resources.ctx_involuntary = SL_VALUE(record->ctx_involuntary);
}

void sl_trial_result_close(struct sl_trial_result *result, const struct sl_phase_record *record,
                           struct sl_arena *arena)
{
    result->close.ok = record->close_ok;
    result->close.timed_out = record->close_timed_out;
    result->close.duration_ns = SL_VALUE(record->close_ns);
    result->close.threads_abandoned = SL_VALUE(record->threads_abandoned);
    result->close.messages_abandoned = SL_VALUE(record->messages_abandoned);
    result->close.detail =
        record->close_detail[0] ? sl_arena_strdup(arena, record->close_detail) : NULL;
}

void sl_trial_result_doubt(struct sl_trial_result *result, const struct sl_load_record *record,
                           uint64_t uncertainty_ns, struct sl_arena *arena)
{
    const char *reason = sl_arena_printf(
        arena, "the clocks of the machines are known to within %.3f ms only, too little for this",
        (double) uncertainty_ns / (double) SL_NS_PER_MS);

    if (!uncertainty_ns)
        return;
    if (!reason)
        reason = "the clocks of the machines are not known well enough";
    if (uncertainty_ns > record->end_to_end.p50)
        result->latency.end_to_end = missing_latency(reason);
    if (uncertainty_ns > record->publish_ns / RATE_PRECISION)
        result->rate.publish = SL_MISSING_REAL(reason);
    if (uncertainty_ns > record->load_ns / RATE_PRECISION)
        result->rate.delivered = SL_MISSING_REAL(reason);
}
