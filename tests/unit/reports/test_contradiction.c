/* SPDX-License-Identifier: Apache-2.0 */
/* A report in which everything fits, spoiled in one place: what is said of it. */
#include "sl_test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report.h"
#include "result_builder.h"

/* Two cells of two trials; what is spoiled is the first of the second one, which leaks. */
static struct sl_run_result *honest(void)
{
    static const char *const failed[] = {"four threads leaked"};
    struct sl_run_result *run = result_new();

    (void) result_add_cell(run, "low", "keyed", "nats", NULL, 2);
    (void) result_add_cell(run, "low", "unified", "nats", NULL, 2);
    struct sl_trial_result *trial = result_trial(run, 1, 0);
    (void) result_add_group(run, trial, 3, SL_CAUSE_PARKED, "worker_main");
    (void) result_add_group(run, trial, 1, SL_CAUSE_UNJOINED, "fetch_main");
    (void) result_add_group(run, trial, 2, SL_CAUSE_RESIDENT, "timer_main");
    run->verdict = (struct sl_verdict){.exit = 1, .failed = failed, .n_failed = 1};
    return run;
}

/* Of the trial that leaks. */
static struct sl_finding *finding_of(struct sl_trial_result *trial, size_t index)
{
    return (struct sl_finding *) &trial->leaks.findings[index];
}

static enum sl_status reread(const struct sl_run_result *run, struct sl_error *err)
{
    SL_AUTO_FREE char *text = result_to_json(run);
    struct sl_run_result *read = NULL;
    enum sl_status status = sl_report_parse("r.json", text, strlen(text), &read, err);

    sl_run_result_free(read);
    return status;
}

#define SPOILED(...)                                                                               \
    SL_AUTO(sl_run_result) struct sl_run_result *run = honest();                                   \
    struct sl_cell_result *cell = (struct sl_cell_result *) &run->cells[1];                        \
    struct sl_trial_result *trial = result_trial(run, 1, 0);                                       \
    struct sl_error err = {0};                                                                     \
    (void) cell, (void) trial;                                                                     \
    __VA_ARGS__

/* The text is what stands behind "r.json: ". */
#define REFUSED(text, ...)                                                                         \
    do {                                                                                           \
        SPOILED(__VA_ARGS__);                                                                      \
        sl_assert_fails(reread(run, &err), SL_EPARSE, &err, "r.json: " text);                      \
    } while (0)
#define READ(...)                                                                                  \
    do {                                                                                           \
        SPOILED(__VA_ARGS__);                                                                      \
        sl_assert_ok(reread(run, &err), &err);                                                     \
    } while (0)

#define AT      "cells[1].trials[0]: "
#define MISSING SL_MISSING_VALUE("not known")

SL_TEST(contradiction, what_fits_is_read)
{
    READ();
    READ(run->verdict = (struct sl_verdict){.exit = 0}); /* --max-leaks, or a baseline */
    READ(run->run.interrupted = true, run->run.trials_planned = SL_VALUE(9));
    READ(run->run.trials_planned = MISSING);
    READ(trial->threads.before = MISSING, trial->delivery.published = MISSING);
    READ(trial->status = SL_TRIAL_TIMEOUT, trial->delivery.published = SL_VALUE(450),
         trial->delivery.handled = SL_VALUE(400), trial->delivery.lost = SL_VALUE(50),
         trial->latency.publish.count = SL_VALUE(440), trial->close.timed_out = true);
    READ(trial->delivery.published = trial->delivery.handled = SL_VALUE(490),
         trial->delivery.unknown = SL_VALUE(6), trial->delivery.rejected = SL_VALUE(4),
         trial->latency.publish.count = SL_VALUE(494));
    READ(run->control.found = 4);
    READ(run->control = (struct sl_control){.planted = 5, .reason = "interrupted"});
    READ(trial->phase = "a later version's"); /* says nothing */
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    struct sl_error err = {0};
    sl_assert_ok(reread(full, &err), &err);
}

SL_TEST(contradiction, messages_are_conserved)
{
    REFUSED(AT "delivery.lost is 0, but delivery.published - delivery.handled is 499",
            trial->delivery.handled = SL_VALUE(1));
    REFUSED(AT "delivery.lost is 3, but", trial->delivery.lost = SL_VALUE(3));
    REFUSED(AT "delivery.handled is 501, more than delivery.published is 500",
            trial->delivery.handled = SL_VALUE(501));
    REFUSED(AT "delivery.published + rejected + unknown is 0, but config.events, all of which an "
               "ok trial tries, is 500",
            trial->delivery.handled = trial->delivery.published = SL_VALUE(0));
    REFUSED(AT "delivery.published + rejected + unknown is 501, more than config.events is 500",
            trial->delivery.rejected = SL_VALUE(1), trial->status = SL_TRIAL_TIMEOUT);
    REFUSED(AT "the number of 'delivery.first_violation' is 1, more than delivery.order_violations",
            trial->delivery.first_violation = "7 after 8");
    REFUSED("cells[0].trials[0]: delivery.redelivered is 501, more than delivery.handled + "
            "duplicates is 500",
            result_trial(run, 0, 0)->delivery.redelivered = SL_VALUE(501));
    REFUSED("cells[1].trials[0].delivery.handled: 9007199254740993 is not from 0 to ",
            trial->delivery.handled = SL_VALUE((UINT64_C(1) << 53) + 1));
}

SL_TEST(contradiction, what_was_timed_happened)
{
    REFUSED(AT "latency.publish.count is 501, more than delivery.published + rejected is 500",
            trial->latency.publish.count = SL_VALUE(501));
    REFUSED(AT "latency.end_to_end.count is 501, more than config.events",
            trial->latency.end_to_end.count = SL_VALUE(501));
    REFUSED(AT "latency.end_to_end.p90 is 2420000, more than latency.end_to_end.p99 is 7",
            trial->latency.end_to_end.p99 = SL_VALUE(7));
    REFUSED(AT "latency.publish.p99 is 600000, more than latency.publish.max is 500000",
            trial->latency.publish.max = SL_VALUE(500000));
    REFUSED(AT "latency.publish.min is 300000, more than latency.publish.p50",
            trial->latency.publish.min = SL_VALUE(300000));
    REFUSED(AT "latency.publish.min is 50000, more than what there is without a sample is 0",
            trial->latency.publish.count = SL_VALUE(0));
    REFUSED(AT "rate.publish is -1, but rates are more than 0", trial->rate.publish = SL_REAL(-1));
    REFUSED(AT "rate.offered is 70, but config.rate is 60",
            (trial->rate.offered = SL_REAL(70), cell->config.rate = SL_VALUE(60)));
    REFUSED(AT "close.duration_ns is 900000001, more than duration_ns is 900000000",
            trial->close.duration_ns = SL_VALUE(900000001));
    REFUSED(AT "leaks.settle_ns is 900000001, more than", trial->leaks.settle_ns = 900000001);
}

SL_TEST(contradiction, threads_after_close_are_the_leaks_and_who_was_there_before)
{
    REFUSED(AT "threads.after is 900, more than threads.before + leaks.count - leaks.unjoined + "
               "leaks.resident is 6",
            trial->threads.after = SL_VALUE(900), trial->snapshot.threads = 900);
    REFUSED(AT "leaks.count - leaks.unjoined is 3, more than threads.after is 2",
            trial->threads.after = SL_VALUE(2), trial->snapshot.threads = 2);
    REFUSED(AT "snapshot.threads is 5, but threads.after is 6", trial->snapshot.threads = 5);
    REFUSED(AT "leaks.count is 1, but the sum over the groups that are counted is 4",
            trial->leaks.count = 1);
    REFUSED(AT "leaks.resident is 0, but the sum over the groups that are not counted is 2",
            trial->leaks.resident = 0);
    REFUSED(AT "leaks.count is 4, but the sum over the groups that are counted is 0",
            trial->leaks.n_findings = 0);
    REFUSED(AT "leaks.unjoined is 5, more than leaks.count is 4", trial->leaks.unjoined = 5);
    REFUSED(AT "the sum over the groups of cause unjoined is 1, more than leaks.unjoined is 0",
            trial->leaks.unjoined = 0);
    REFUSED("cells[1].trials[0].leaks.groups[0]: counted is 0, but that of its cause is 1",
            finding_of(trial, 0)->counted = false);
    REFUSED("cells[1].trials[0].leaks.groups[1]: one thread is 1, more than count is 0",
            finding_of(trial, 1)->group.count = 0);
    REFUSED("cells[1].trials[0].leaks.groups[2]: the number of tids is 2, more than count is 1",
            finding_of(trial, 2)->group.count = 1);
    REFUSED(
        "cells[1].trials[0].leaks.groups[0]: the grade 'complete' is 1, more than complete is 0",
        finding_of(trial, 0)->group.complete = false);
    REFUSED(AT "leaks.late is 2, but the number of leaks.late_threads is 0", trial->leaks.late = 2);
    REFUSED(AT "the number of leaks.groups where leaks are not known is 3, but",
            trial->leaks_missing = "not known");
    REFUSED(AT "the sum of descriptors in leaks.left_behind is 2, more than leaks.descriptors is 0",
            static const struct sl_leftover left[] = {{"descriptor", "pipe", 2}};
            trial->left.items = left, trial->left.n_items = 1);
}

/* Cycles of the trial that leaks: its six threads were there in both. */
static struct sl_cycle_group *add_cycles(struct sl_trial_result *trial)
{
    static const uint64_t counts[] = {6, 6};
    static struct sl_cycle_group group;

    group = (struct sl_cycle_group){"00000000000000aa", "worker_main", counts, 2,
                                    SL_REAL(0),         SL_SLOPE_ONCE};
    trial->cycles = (struct sl_cycles){.planned = 2, .n = 2, .groups = &group, .n_groups = 1};
    return &group;
}

SL_TEST(contradiction, cycles_end_with_the_threads_that_stayed)
{
    static const uint64_t seven[] = {6, 7};

    READ(add_cycles(trial));
    REFUSED(AT "cycles.n is 2, more than cycles.planned is 1", add_cycles(trial),
            trial->cycles.planned = 1);
    REFUSED(AT "cycles.n is 2, but cycles.planned, all of which a trial plays in which nothing "
               "went wrong, is 5",
            add_cycles(trial), trial->cycles.planned = 5);
    REFUSED(AT "the number of counts of a group in cycles is 1, but cycles.n is 2",
            add_cycles(trial)->n_counts = 1);
    REFUSED(AT "a slope in cycles that is not that of its counts is 1, but",
            add_cycles(trial)->slope = SL_REAL(1));
    REFUSED(AT "a kind in cycles that is not that of its counts is 1, but",
            add_cycles(trial)->kind = SL_SLOPE_GROWING);
    REFUSED(AT "the sum of the last counts in cycles is 7, but leaks.count + leaks.resident is 6",
            struct sl_cycle_group *group = add_cycles(trial);
            group->counts = seven; group->slope = SL_REAL(1); group->kind = SL_SLOPE_PER_CYCLE);
}

SL_TEST(contradiction, a_trial_ends_in_one_way)
{
    REFUSED(AT "status is 'ok' and signal 11, but a signal makes it 'crashed'",
            trial->signal = SIGSEGV);
    REFUSED(AT "status is 'ok' and signal 0, but the reason is it hangs",
            trial->reason = "it hangs");
    REFUSED(AT "status is 'ok' and signal 0, but it ended in step close", trial->step = "close");
    REFUSED(AT "status is 'ok' and signal 0, but close.timed_out is true",
            trial->close.timed_out = true);
    REFUSED(AT "status is 'ok' and signal 0, but close.reached is false",
            trial->close.reached = false);
    REFUSED(AT "status is 'crashed' and signal -1, but signal is none that there is",
            trial->status = SL_TRIAL_CRASHED, trial->signal = -1);
    REFUSED(AT "status is 'failed' and signal 0, but no signal killed thread publisher",
            trial->status = SL_TRIAL_FAILED, trial->crashed_thread = "publisher");
    REFUSED(AT "phase is 'start', but the status 'ok' needs 'torn_down'", trial->phase = "start");
    REFUSED(AT "phase is 'closed', but the status 'ok' needs", trial->phase = "closed");
    REFUSED(AT "phase is 'none', but leaks.count needs 'closed'", trial->phase = NULL,
            trial->status = SL_TRIAL_FAILED);
    REFUSED(AT "phase is 'open', but delivery.handled needs 'loaded'", trial->phase = "open",
            trial->status = SL_TRIAL_FAILED, trial->close = (struct sl_close_result){0},
            trial->close.duration_ns = trial->threads.after = trial->resources.rss_after = MISSING,
            trial->resources.fds_after = MISSING, trial->leaks = (struct sl_leak_report){0},
            trial->leaks_missing = "it did not get so far");
}

SL_TEST(contradiction, a_run_has_played_its_plan)
{
    REFUSED("the number of trials is 3, but run.trials_planned, all of which a run plays that was "
            "not interrupted, is 4",
            cell->n_trials = 1);
    REFUSED("the number of trials is 2, but run.trials_planned", run->n_cells = 1);
    REFUSED("the number of trials is 4, more than run.trials_planned is 3",
            run->run.trials_planned = SL_VALUE(3), run->run.interrupted = true);
    REFUSED("cells[1]: config.expects_leaks is 1, but the number of key.fault is 0",
            cell->config.expects_leaks = true);
}

SL_TEST(contradiction, a_verdict_of_ok_is_no_verdict_on_what_no_policy_allows)
{
    REFUSED("verdict.exit without a line in verdict.failed is 1, but", run->verdict.n_failed = 0);
#define OK run->verdict = (struct sl_verdict){.exit = 0}
    REFUSED("control.found is 4, but control.planted is 5", OK, run->control.found = 4);
    REFUSED("control.found is 5, but what a control finds that did not run is 0",
            run->control.ran = false);
    REFUSED("the number of trials that failed or crashed is 1, but verdict.exit is 0", OK,
            trial->status = SL_TRIAL_FAILED);
    REFUSED("the sum of delivery.lost is 9, but verdict.exit is 0", OK,
            trial->delivery.handled = SL_VALUE(491), trial->delivery.lost = SL_VALUE(9));
    REFUSED("the sum of delivery.order_violations is 1, but verdict.exit is 0", OK,
            trial->delivery.order_violations = SL_VALUE(1));
    REFUSED("run.interrupted is 1, but verdict.exit is 0", OK, run->run.interrupted = true);
}
