/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "reports/print/breach.h"
#include "result_builder.h"

/* A trial that went well, but that of three groups two grow. */
static struct sl_run_result *growing_run(void)
{
    static const uint64_t even[] = {1, 2, 3}, uneven[] = {2, 4, 9}, still[] = {4, 4, 4};
    static const struct sl_cycle_group groups[] = {
        {"00000000000000aa", "helper_main", even, 3, SL_REAL(1), SL_SLOPE_PER_CYCLE},
        {"00000000000000bb", "fetch_main", uneven, 3, SL_REAL(3.5), SL_SLOPE_GROWING},
        {"00000000000000cc", "timer_main", still, 3, SL_REAL(0), SL_SLOPE_ONCE},
    };
    struct sl_run_result *result = result_new();

    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 1);
    result_trial(result, 0, 0)->cycles = (struct sl_cycles){3, 3, groups, 3};
    return result;
}

/* The only line. */
static const char *judge(const struct sl_run_result *result, const struct sl_policy *policy)
{
    struct sl_judgement judgement;
    struct sl_verdict verdict = {.exit = -1};
    struct sl_error err = {0};

    sl_assert_ok(sl_verdict_evaluate(result, policy, result->arena, &judgement, &err), &err);
    sl_assert_ok(sl_breaches_say(&judgement, result->arena, &verdict, &err), &err);
    cr_assert_eq(verdict.exit, 1);
    cr_assert_eq(verdict.n_failed, 1);
    return verdict.failed[0];
}

SL_TEST(verdict_cycles, growth_breaks_the_policy_whatever_its_limit_of_leaks)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = growing_run();
    cr_assert_str_eq(judge(result, &(struct sl_policy){.max_leaks = 1000}),
                     "low/keyed/nats trial 1: fetch_main: grows, by 3.5 threads per cycle on "
                     "average (2, 4, 9); 1 more group grows");
}

SL_TEST(verdict_cycles, what_the_baseline_has_may_grow)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = growing_run();
    SL_AUTO(sl_run_result) struct sl_run_result *baseline = result_new();
    (void) result_add_cell(baseline, "low", "keyed", "nats", NULL, 1);
    (void) result_add_group(baseline, result_trial(baseline, 0, 0), 1, SL_CAUSE_PARKED,
                            "fetch_main");
    struct sl_finding *known =
        (struct sl_finding *) &result_trial(baseline, 0, 0)->leaks.findings[0];
    (void) strcpy(known->group.fingerprint, "00000000000000bb");
    cr_assert_str_eq(judge(result, &(struct sl_policy){.baseline = baseline}),
                     "low/keyed/nats trial 1: helper_main: +1 thread per cycle (1, 2, 3)");
}

SL_TEST(verdict_cycles, what_stopped_the_cycles_says_after_how_many)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = growing_run();
    struct sl_trial_result *trial = result_trial(result, 0, 0);
    trial->cycles.n_groups = 0;
    trial->cycles.planned = 5;
    trial->delivery.handled = SL_VALUE(499);
    trial->delivery.lost = SL_VALUE(1);
    cr_assert_str_eq(judge(result, &(struct sl_policy){0}),
                     "low/keyed/nats trial 1: 1 message lost, after 3 of 5 cycles");
}
