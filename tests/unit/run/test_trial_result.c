/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbers of a subject become in a report. */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/run/trial_result.h"

struct scene {
    struct sl_arena *arena;
    struct sl_trial_result result;
};

static void scene_release(struct scene *scene)
{
    sl_arena_free(scene->arena);
}

static struct scene scene_new(void)
{
    struct scene scene = {.arena = sl_arena_new()};
    sl_trial_result_init(&scene.result, "not reached");
    return scene;
}
#define SCENE(name) SL_CLEANUP(scene_release) struct scene name = scene_new()

/* Ten seconds in which 1,000 messages were accepted and 990 handled, in 20 seconds. */
static struct sl_load_record record_of(void)
{
    return (struct sl_load_record){
        .counts = {.published = 1000,
                   .rejected = 3,
                   .unknown = 4,
                   .handled = 990,
                   .handler_calls = 1005,
                   .redelivered = 14,
                   .order_violations = 2},
        .publish_ns = 10 * SL_NS_PER_S,
        .load_ns = 20 * SL_NS_PER_S,
        .publish_latency =
            {.count = 1000, .min = 1, .p50 = 5, .p90 = 9, .p99 = 10, .p999 = 11, .max = 12},
        .end_to_end =
            {.count = 10000, .min = 21, .p50 = 25, .p90 = 29, .p99 = 30, .p999 = 31, .max = 32},
        .cpu_user_ns = 100,
        .cpu_sys_ns = 200,
        .ctx_voluntary = 300,
        .ctx_involuntary = 400,
    };
}

SL_TEST(trial_result, what_was_not_reached_is_missing_with_the_reason)
{
    SCENE(scene);
    const struct sl_trial_result *result = &scene.result;

    cr_assert_eq(result->status, SL_TRIAL_FAILED);
    cr_assert_str_eq(result->delivery.lost.missing, "not reached");
    cr_assert_str_eq(result->rate.delivered.missing, "not reached");
    cr_assert_str_eq(result->latency.end_to_end.max.missing, "not reached");
    cr_assert_str_eq(result->close.duration_ns.missing, "not reached");
    cr_assert_str_eq(result->left.timers.missing, "not reached");
    cr_assert_str_eq(result->leaks_missing, "not reached");
}

SL_TEST(trial_result, a_load_becomes_counts_rates_latencies_and_resources)
{
    SCENE(scene);
    const struct sl_load_record record = record_of();
    const struct sl_scenario_load load = {.rate = 500};
    const struct sl_trial_result *result = &scene.result;

    sl_trial_result_load(&scene.result, &record, &load, scene.arena);
    cr_assert_eq(result->delivery.published.value, 1000);
    cr_assert_eq(result->delivery.lost.value, 10);
    cr_assert_eq(result->delivery.duplicates.value, 15);
    cr_assert_eq(result->delivery.redelivered.value, 14);
    cr_assert_eq(result->delivery.order_violations.value, 2);
    cr_assert_null(result->delivery.first_violation);
    cr_assert_float_eq(result->rate.offered.value, 500, 1e-9);
    cr_assert_float_eq(result->rate.publish.value, 100, 1e-9);
    cr_assert_float_eq(result->rate.delivered.value, 49.5, 1e-9);
    cr_assert_eq(result->latency.publish.max.value, 12);
    cr_assert_eq(result->latency.end_to_end.min.value, 21);
    cr_assert_eq(result->resources.cpu_user_ns.value, 100);
    cr_assert_eq(result->resources.cpu_sys_ns.value, 200);
    cr_assert_eq(result->resources.ctx_voluntary.value, 300);
    cr_assert_eq(result->resources.ctx_involuntary.value, 400);
}

SL_TEST(trial_result, a_percentile_needs_ten_samples_above_it)
{
    SCENE(scene);
    struct sl_load_record record = record_of();
    const struct sl_scenario_load load = {.rate = 0};
    const struct sl_latency *publish = &scene.result.latency.publish;

    sl_trial_result_load(&scene.result, &record, &load, scene.arena);
    cr_assert_eq(publish->p99.value, 10, "1 %% of 1,000 are 10");
    cr_assert_not(publish->p99.missing);
    cr_assert_str_eq(publish->p999.missing, "fewer than 10 samples above this percentile");
    cr_assert_not(scene.result.latency.end_to_end.p999.missing, "0.1 %% of 10,000 are 10");
    cr_assert(strstr(scene.result.rate.offered.missing, "saturating"));
    record.publish_latency.count = 999;
    sl_trial_result_load(&scene.result, &record, &load, scene.arena);
    cr_assert(publish->p99.missing);
    cr_assert_not(publish->p90.missing);
}

SL_TEST(trial_result, a_load_of_nothing_has_no_rate_and_no_latency)
{
    SCENE(scene);
    const struct sl_load_record record = {.load_ns = 0};
    const struct sl_scenario_load load = {.rate = 1};

    sl_trial_result_load(&scene.result, &record, &load, scene.arena);
    cr_assert_str_eq(scene.result.rate.publish.missing, "no message was accepted");
    cr_assert_str_eq(scene.result.rate.delivered.missing, "no message was handled");
    cr_assert_str_eq(scene.result.latency.publish.p50.missing, "no sample");
    cr_assert_eq(scene.result.delivery.lost.value, 0);
}

SL_TEST(trial_result, more_handled_than_accepted_is_no_loss)
{
    SCENE(scene);
    const struct sl_load_counts counts = {
        .published = 3, .handled = 5, .handler_calls = 5, .first_violation = "7 before 6"};

    sl_trial_result_delivery(&scene.result, &counts, scene.arena);
    cr_assert_eq(scene.result.delivery.lost.value, 0);
    cr_assert_str_eq(scene.result.delivery.first_violation, "7 before 6");
}

SL_TEST(trial_result, clocks_that_differ_strike_out_what_they_cannot_tell)
{
    SCENE(scene);
    const struct sl_load_record record = record_of();
    const struct sl_scenario_load load = {.rate = 500};
    const struct sl_trial_result *result = &scene.result;

    sl_trial_result_load(&scene.result, &record, &load, scene.arena);
    sl_trial_result_doubt(&scene.result, &record, 0, scene.arena);
    sl_trial_result_doubt(&scene.result, &record, 25, scene.arena);
    cr_assert_not(result->latency.end_to_end.p50.missing, "as much as the median");
    sl_trial_result_doubt(&scene.result, &record, 26, scene.arena);
    cr_assert(strstr(result->latency.end_to_end.p50.missing, "known to within 0.000 ms only"));
    cr_assert_not(result->latency.publish.p50.missing, "one machine's clock");
    sl_trial_result_doubt(&scene.result, &record, SL_NS_PER_S / 10, scene.arena);
    cr_assert_not(result->rate.publish.missing, "1 %% of ten seconds");
    sl_trial_result_doubt(&scene.result, &record, SL_NS_PER_S / 10 + 1, scene.arena);
    cr_assert(strstr(result->rate.publish.missing, "known to within 100.000 ms only"));
    cr_assert_not(result->rate.delivered.missing);
    sl_trial_result_doubt(&scene.result, &record, SL_NS_PER_S / 5 + 1, scene.arena);
    cr_assert(result->rate.delivered.missing);
}
