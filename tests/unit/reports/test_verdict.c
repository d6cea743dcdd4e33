/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <signal.h>
#include <string.h>

#include "base/macros.h"
#include "reports/print/breach.h"
#include "result_builder.h"

typedef void (*spoiler)(struct sl_run_result *result, struct sl_trial_result *trial);

/* Two cells of two trials that went well, spoiled; trial is the first one. */
static struct sl_run_result *spoiled_run(spoiler spoil)
{
    struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 2);
    (void) result_add_cell(result, "low", "unified", "nats", NULL, 2);
    if (spoil)
        spoil(result, result_trial(result, 0, 0));
    return result;
}

static struct sl_verdict
judge_by(const struct sl_run_result *result, const struct sl_policy *policy)
{
    struct sl_judgement judgement;
    struct sl_verdict verdict = {.exit = -1};
    struct sl_error err = {0};
    sl_assert_ok(sl_verdict_evaluate(result, policy, result->arena, &judgement, &err), &err);
    sl_assert_ok(sl_breaches_say(&judgement, result->arena, &verdict, &err), &err);
    return verdict;
}

static struct sl_verdict judge(const struct sl_run_result *result, uint32_t max_leaks)
{
    return judge_by(result, &(struct sl_policy){.max_leaks = max_leaks});
}

static void leak(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result_add_group(result, trial, 2, SL_CAUSE_PARKED, "worker_main");
    (void) result_add_group(result, trial, 1, SL_CAUSE_IO, "fetch_main");
    (void) result_add_group(result, trial, 9, SL_CAUSE_RESIDENT, "timer_main");
}

static void lose(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->delivery.handled = SL_VALUE(499);
    trial->delivery.lost = SL_VALUE(1);
}

static void reorder(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->delivery.order_violations = SL_VALUE(2);
    trial->delivery.first_violation = "topic t key k: 7 after 8";
}

static void hang_in_close(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->status = SL_TRIAL_TIMEOUT;
    trial->phase = "closing";
    trial->close = (struct sl_close_result){
        .reached = true,
        .timed_out = true,
        .duration_ns = SL_MISSING_VALUE("Close did not return"),
        .waits_for = "pool_stop waits for thread 12",
    };
    trial->leaks_missing = "Close did not return";
    trial->threads.after = SL_MISSING_VALUE("Close did not return");
    trial->delivery.lost = SL_MISSING_VALUE("Close did not return");
}

static void lose_in_load(struct sl_run_result *result, struct sl_trial_result *trial)
{
    lose(result, trial);
    trial->status = SL_TRIAL_TIMEOUT;
    trial->reason = "1 message was not handled within 60s";
}

static void hang_in_load(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->status = SL_TRIAL_TIMEOUT;
    trial->phase = "open";
    trial->reason = "publish did not return";
    trial->close = (struct sl_close_result){.duration_ns = SL_MISSING_VALUE("not reached")};
    trial->leaks_missing = "Close was not reached";
    trial->delivery.lost = SL_MISSING_VALUE("the subject did not say");
}

static void crash(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->status = SL_TRIAL_CRASHED;
    trial->signal = SIGSEGV;
    trial->phase = "loaded";
    trial->leaks_missing = "the subject ended";
}

static void crash_after_losing(struct sl_run_result *result, struct sl_trial_result *trial)
{
    lose(result, trial);
    crash(result, trial);
}

static void fail(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->status = SL_TRIAL_FAILED;
    trial->phase = "start";
    trial->reason = "no connection to the server";
}

static void forget_leaks(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->leaks_missing = "the process may not be traced";
}

static void forget_lost(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->delivery.lost = SL_MISSING_VALUE("no counters");
}

static void count_messages(struct sl_trial_result *trial, uint64_t published, uint64_t rejected,
                           uint64_t unknown, uint64_t handled)
{
    trial->delivery.published = SL_VALUE(published);
    trial->delivery.rejected = SL_VALUE(rejected);
    trial->delivery.unknown = SL_VALUE(unknown);
    trial->delivery.handled = SL_VALUE(handled);
    trial->delivery.lost = SL_VALUE(published - handled);
}

static void refuse_all(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    count_messages(trial, 0, 500, 0, 0);
}

static void answer_none(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    count_messages(trial, 0, 0, 500, 0);
}

static void lose_all(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    count_messages(trial, 500, 0, 0, 0);
}

static void refuse_all_and_leak(struct sl_run_result *result, struct sl_trial_result *trial)
{
    refuse_all(result, trial);
    leak(result, trial);
}

static void take_one(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    count_messages(trial, 1, 400, 99, 1);
}

static void take_half(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    count_messages(trial, 250, 200, 50, 250);
}

static void take_one_by_a_fault(struct sl_run_result *result, struct sl_trial_result *trial)
{
    take_one(result, trial);
    ((struct sl_cell_result *) result->cells)[0].config.expects_leaks = true;
}

static void forget_messages(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->delivery.rejected = SL_MISSING_VALUE("not in the report");
}

static void create_no_thread(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->threads.peak = trial->threads.before;
}

static void forget_peak(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->threads.peak = SL_MISSING_VALUE("no /proc");
}

static void skip_close(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->close = (struct sl_close_result){.duration_ns = SL_MISSING_VALUE("not called")};
}

static void fail_in_close(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) result;
    trial->close.ok = false;
    trial->close.detail = "cannot delete the consumer";
}

static void skip_control(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) trial;
    result->control = (struct sl_control){.reason = "no memory"};
}

static void blind_control(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) trial;
    result->control.found = 4;
}

static void empty_control(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) trial;
    result->control.planted = result->control.found = 0;
}

static void interrupt(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) trial;
    result->run.interrupted = true;
}

static void drop_trials(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) trial;
    ((struct sl_cell_result *) result->cells)[0].n_trials = 0;
}

static void drop_cells(struct sl_run_result *result, struct sl_trial_result *trial)
{
    (void) trial;
    result->n_cells = 0;
}

#define TRIAL "low/keyed/nats trial 1: "

SL_TEST(verdict, each_fact_gives_its_exit_status_and_line)
{
    static const struct {
        spoiler spoil;
        int exit;
        const char *line; /* the first one */
    } cases[] = {
        {NULL, 0, NULL},
        {leak, 1, TRIAL "3 leaked threads in 2 groups (limit 0)"},
        {lose, 1, TRIAL "1 message lost"},
        {reorder, 1, TRIAL "2 order violations (first: topic t key k: 7 after 8)"},
        {hang_in_close, 1,
         TRIAL "Close did not end before its deadline: pool_stop waits for thread 12"},
        {fail_in_close, 1, TRIAL "Close failed: cannot delete the consumer"},
        {lose_in_load, 1, TRIAL "1 message lost"},
        {hang_in_load, 3, TRIAL "publish did not return"},
        {crash, 3, TRIAL "the subject was killed by SIGSEGV after phase loaded"},
        {crash_after_losing, 3, TRIAL "the subject was killed by SIGSEGV after phase loaded"},
        {fail, 3, TRIAL "failed after phase start: no connection to the server"},
        {forget_leaks, 3, TRIAL "leaked threads are not known: the process may not be traced"},
        {forget_lost, 3, TRIAL "lost messages are not known: no counters"},
        {refuse_all, 3,
         TRIAL "no message was handled, so that nothing was proved: of 500 tried the bus accepted "
               "0, refused 500 and gave 0 no answer"},
        {answer_none, 3,
         TRIAL "no message was handled, so that nothing was proved: of 500 tried the bus accepted "
               "0, refused 0 and gave 500 no answer"},
        {lose_all, 1, TRIAL "500 messages lost"},
        {refuse_all_and_leak, 1, TRIAL "3 leaked threads in 2 groups (limit 0)"},
        {take_one, 4,
         TRIAL "accepted 1 of 500 messages: a bus that takes less than half of a load is not shown "
               "to bear it"},
        {take_half, 0, NULL},
        {take_one_by_a_fault, 0, NULL},
        {forget_messages, 3, TRIAL "nothing shows that messages were handled: not in the report"},
        {create_no_thread, 3,
         TRIAL "under load there were no more threads than before, so that none is shown to end"},
        {forget_peak, 3, TRIAL "nothing shows that threads were created: no /proc"},
        {skip_close, 3, TRIAL "Close was not called, so that nothing shows what it leaves"},
        {skip_control, 3, "the control could not be measured: no memory"},
        {blind_control, 3,
         "the control planted 5 leaked threads and found 4, so that no count of this run can be "
         "trusted"},
        {empty_control, 3,
         "the control planted 0 leaked threads and found 0, so that no count of this run can be "
         "trusted"},
        {interrupt, 3, "the run was interrupted after 4 of 40 trials"},
        {drop_trials, 3, "low/keyed/nats: no trial ran"},
        {drop_cells, 3, "no trial ran"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(cases[i].spoil);
        result->run.trials_planned = SL_VALUE(40);
        struct sl_verdict verdict = judge(result, 0);
        cr_assert_eq(verdict.exit, cases[i].exit, "case %zu: %d", i, verdict.exit);
        cr_assert_eq(verdict.n_failed > 0, cases[i].exit != 0, "case %zu", i);
        if (cases[i].line)
            cr_assert_str_eq(verdict.failed[0], cases[i].line);
    }
}

SL_TEST(verdict, a_breach_says_what_broke_which_limit_where)
{
    SL_AUTO(sl_run_result) struct sl_run_result *baseline = spoiled_run(NULL);
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(leak);
    struct sl_policy policy = {.max_leaks = 1, .baseline = baseline};
    struct sl_judgement judgement;
    struct sl_trial_result *trial = result_trial(result, 0, 0);

    (void) result_add_group(baseline, result_trial(baseline, 1, 1), 1, SL_CAUSE_IO, "fetch_main");
    crash(result, result_trial(result, 1, 1));
    cr_assert_eq(sl_verdict_evaluate(result, &policy, result->arena, &judgement, NULL), SL_OK);
    cr_assert_eq(judgement.exit, 3);
    cr_assert_eq(judgement.n_breaches, 2);

    const struct sl_breach *crashed = &judgement.breaches[0], *leaked = &judgement.breaches[1];
    cr_assert_eq(crashed->rule, SL_RULE_ENDING);
    cr_assert_eq(crashed->kind, SL_BREACH_UNMEASURED);
    cr_assert_eq(crashed->trial, result_trial(result, 1, 1));
    cr_assert_eq(leaked->rule, SL_RULE_LEAKS);
    cr_assert_eq(leaked->kind, SL_BREACH_BROKEN);
    cr_assert_eq(leaked->cell, &result->cells[0]);
    cr_assert_eq(leaked->trial, trial);
    cr_assert_eq(leaked->value.value, 2);
    cr_assert_eq(leaked->limit, 1);
    cr_assert_eq(leaked->n_groups, 1, "the other one is known");
    cr_assert_str_eq(leaked->groups[0]->function, "worker_main");
}

SL_TEST(verdict, leaks_within_the_limit_pass)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(leak);
    cr_assert_eq(judge(result, 3).exit, 0);
    cr_assert_eq(judge(result, 2).exit, 1);
}

SL_TEST(verdict, what_stays_besides_threads_fails_only_where_it_is_limited)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(NULL);
    struct sl_trial_result *trial = result_trial(result, 0, 0);
    struct sl_policy policy = {.descriptors = {.set = true, .most = 2}, .processes = {.set = true}};

    trial->left.descriptors = SL_VALUE(3);
    trial->left.processes = SL_VALUE(1);
    cr_assert_eq(judge(result, 0).exit, 0);
    struct sl_verdict verdict = judge_by(result, &policy);
    cr_assert_eq(verdict.exit, 1);
    cr_assert_eq(verdict.n_failed, 2);
    cr_assert_str_eq(verdict.failed[0], TRIAL "3 descriptors stayed after Close (limit 2)");
    cr_assert_str_eq(verdict.failed[1], TRIAL "1 child process stayed after Close (limit 0)");

    trial->left.processes = SL_MISSING_VALUE("/proc could not be listed");
    verdict = judge_by(result, &policy);
    cr_assert_eq(verdict.exit, 3);
    cr_assert_str_eq(verdict.failed[0],
                     TRIAL "child processes that stayed after Close are not known: /proc could not "
                           "be listed");
}

SL_TEST(verdict, the_limit_holds_for_each_trial_alone)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(leak);
    leak(result, result_trial(result, 1, 1));
    cr_assert_eq(judge(result, 3).exit, 0);
    cr_assert_eq(judge(result, 2).n_failed, 2);
}

SL_TEST(verdict, what_holds_of_several_trials_of_a_cell_is_said_once)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(leak);
    leak(result, result_trial(result, 0, 1));
    leak(result, result_trial(result, 1, 1));
    struct sl_verdict verdict = judge(result, 0);
    cr_assert_eq(verdict.n_failed, 2);
    cr_assert_str_eq(verdict.failed[0],
                     "low/keyed/nats: 3 leaked threads in 2 groups (limit 0), in 2 of 2 trials");
    cr_assert_str_eq(verdict.failed[1],
                     "low/unified/nats trial 2: 3 leaked threads in 2 groups (limit 0)");
}

/* Judged with the leaks of another result as known ones. */
static struct sl_verdict
judge_against(const struct sl_run_result *result, const struct sl_run_result *baseline)
{
    return judge_by(result,
                    &(struct sl_policy){.baseline = baseline, .baseline_name = "base.json"});
}

SL_TEST(verdict, only_leaks_that_the_baseline_has_not_count_against_it)
{
    SL_AUTO(sl_run_result) struct sl_run_result *baseline = spoiled_run(leak);
    SL_AUTO(sl_run_result) struct sl_run_result *same = spoiled_run(NULL);
    leak(same, result_trial(same, 1, 1)); /* elsewhere, and that does not matter */
    cr_assert_eq(judge_against(same, baseline).exit, 0);

    (void) result_add_group(same, result_trial(same, 0, 1), 1, SL_CAUSE_UNKNOWN, "new_main");
    struct sl_verdict verdict = judge_against(same, baseline);
    cr_assert_eq(verdict.exit, 1);
    cr_assert_eq(verdict.n_failed, 1);
    cr_assert_str_eq(verdict.failed[0], "low/keyed/nats trial 2: 1 leaked thread in 1 group that "
                                        "the baseline has not (limit 0)");
}

SL_TEST(verdict, what_a_baseline_shows_but_does_not_count_is_not_known_to_leak)
{
    SL_AUTO(sl_run_result) struct sl_run_result *baseline = spoiled_run(leak);
    SL_AUTO(sl_run_result) struct sl_run_result *head = spoiled_run(NULL);
    (void) result_add_group(head, result_trial(head, 0, 0), 1, SL_CAUSE_PARKED, "timer_main");
    cr_assert_eq(judge_against(head, baseline).exit, 1);
}

SL_TEST(verdict, a_baseline_excuses_leaks_and_nothing_else)
{
    SL_AUTO(sl_run_result) struct sl_run_result *baseline = spoiled_run(lose);
    SL_AUTO(sl_run_result) struct sl_run_result *head = spoiled_run(lose);
    cr_assert_eq(judge_against(head, baseline).exit, 1);
}

SL_TEST(verdict, a_load_that_lost_messages_states_both_facts)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(lose_in_load);
    struct sl_verdict verdict = judge(result, 0);
    cr_assert_eq(verdict.n_failed, 2);
    cr_assert_str_eq(verdict.failed[0], TRIAL "1 message lost");
    cr_assert_str_eq(verdict.failed[1], TRIAL "1 message was not handled within 60s");
}

SL_TEST(verdict, what_could_not_be_measured_comes_first_and_decides)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(leak);
    crash(result, result_trial(result, 1, 1));
    struct sl_verdict verdict = judge(result, 0);
    cr_assert_eq(verdict.exit, 3);
    cr_assert_eq(verdict.n_failed, 2);
    cr_assert_str_eq(
        verdict.failed[0],
        "low/unified/nats trial 2: the subject was killed by SIGSEGV after phase loaded");
    cr_assert_str_eq(verdict.failed[1], TRIAL "3 leaked threads in 2 groups (limit 0)");
}

SL_TEST(verdict, a_failure_decides_over_a_doubt)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(take_one);
    lose(result, result_trial(result, 1, 0));
    struct sl_verdict verdict = judge(result, 0);
    cr_assert_eq(verdict.exit, 1);
    cr_assert_eq(verdict.n_failed, 2);
    cr_assert_str_eq(verdict.failed[0], "low/unified/nats trial 1: 1 message lost");
}

SL_TEST(verdict, variants_with_one_key_are_told_apart_by_their_label)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    struct sl_cell_result *cell =
        result_add_cell(result, "incident", "keyed", "nats", "pool-not-stopped", 1);
    cell->claim.label = "fix 3: 64 workers";
    leak(result, result_trial(result, 0, 0));
    cr_assert_str_eq(judge(result, 0).failed[0],
                     "incident/keyed/nats/pool-not-stopped (fix 3: 64 workers) trial 1: "
                     "3 leaked threads in 2 groups (limit 0)");
}

SL_TEST(verdict, the_verdict_in_the_result_is_not_trusted)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = spoiled_run(leak);
    result->verdict.exit = 0;
    cr_assert_eq(judge(result, 0).exit, 1);
}
