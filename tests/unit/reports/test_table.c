/* SPDX-License-Identifier: Apache-2.0 */
/* What people see, as samples in tests/data/table. */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "reports/print/breach.h"
#include "reports/print/table.h"
#include "result_builder.h"

static char *print(struct sl_run_result *result, const struct sl_page *page)
{
    struct sl_policy policy = {0};
    struct sl_judgement judgement;
    struct sl_error err = {0};

    sl_assert_ok(sl_verdict_evaluate(result, &policy, result->arena, &judgement, &err), &err);
    sl_assert_ok(sl_breaches_say(&judgement, result->arena, &result->verdict, &err), &err);
    return result_export(sl_report_exporters, "text", result, page);
}

static void
assert_sample(struct sl_run_result *result, const struct sl_page *page, const char *name)
{
    char path[64];
    (void) snprintf(path, sizeof path, "table/%s.txt", name);
    SL_AUTO_FREE char *text = print(result, page);
    result_assert_sample(text, path);
}

/* Two scenarios in two modes, nothing wrong. */
static struct sl_run_result *good_run(size_t n_trials)
{
    struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "nats", NULL, n_trials);
    (void) result_add_cell(result, "low", "unified", "nats", NULL, n_trials);
    (void) result_add_cell(result, "medium", "keyed", "nats", NULL, n_trials);
    (void) result_add_cell(result, "medium", "unified", "nats", NULL, n_trials);
    for (size_t i = 0; i < result->n_cells; i++) {
        for (size_t j = 0; j < n_trials; j++) {
            struct sl_trial_result *trial = result_trial(result, i, j);
            trial->threads.peak = SL_VALUE(i % 2 ? 29 : 5141);
            trial->resources.rss_peak = SL_VALUE((i % 2 ? 12 : 48) * UINT64_C(1048576) + j);
            (void) result_add_group(result, trial, 3, SL_CAUSE_RESIDENT, "timer_main");
        }
    }
    return result;
}

static struct sl_run_result *incident_run(void)
{
    static const struct {
        const char *label, *mode, *fault;
        uint64_t claimed;
        uint32_t workers, pool, fetch;
    } variants[] = {
        {"as it was", "keyed", "pool-not-stopped,orphan-fetcher", 5130, 1024, 5120, 5},
        {"fix 1: unified pool only", "unified", NULL, 6, 32, 0, 0},
        {"fix 2: Stop repaired", "keyed", NULL, 0, 1024, 0, 0},
        {"fix 3: 64 workers", "keyed", "pool-not-stopped,orphan-fetcher", 320, 64, 320, 5},
    };
    struct sl_run_result *result = result_new();
    for (size_t i = 0; i < SL_COUNT_OF(variants); i++) {
        struct sl_cell_result *cell =
            result_add_cell(result, "incident", variants[i].mode, "nats", variants[i].fault, 1);
        cell->claim.label = variants[i].label;
        cell->claim.leaked = SL_VALUE(variants[i].claimed);
        cell->config.workers = SL_VALUE(variants[i].workers);
        struct sl_trial_result *trial = result_trial(result, i, 0);
        if (variants[i].pool)
            (void) result_add_group(result, trial, variants[i].pool, SL_CAUSE_PARKED,
                                    "worker_main");
        if (variants[i].fetch)
            (void) result_add_group(result, trial, variants[i].fetch, SL_CAUSE_IO, "fetch_main");
    }
    return result;
}

/* A hang, a crash, missing numbers, late threads, strange bytes in several trials. */
static struct sl_run_result *bad_run(void)
{
    static const struct sl_late_thread late[] = {
        {.tid = 77, .name = "slow", .delay_ns = 12 * SL_NS_PER_MS}};
    struct sl_run_result *result = good_run(3);
    struct sl_trial_result *trial = result_trial(result, 0, 1);

    trial->status = SL_TRIAL_TIMEOUT;
    trial->phase = "closing";
    trial->close = (struct sl_close_result){
        .reached = true,
        .timed_out = true,
        .duration_ns = SL_MISSING_VALUE("Close did not return"),
        .waits_for = "pool_stop waits for thread 12 (worker\x1b[31m_main)",
    };
    trial->leaks = (struct sl_leak_report){0};
    trial->leaks_missing = "Close did not return";
    (void) result_add_group(result, trial, 1, SL_CAUSE_UNKNOWN, "handler_main");
    trial->hang_seen = "hang";
    trial->hang_findings = trial->leaks.findings;
    trial->n_hang_findings = 1;
    trial->leaks = (struct sl_leak_report){0};

    for (size_t j = 0; j < 3; j++)
        result_trial(result, 2, j)->latency.end_to_end.p99 =
            SL_MISSING_VALUE("500 samples, 1000 are needed");
    trial = result_trial(result, 3, 2);
    trial->status = SL_TRIAL_CRASHED;
    trial->signal = 9;
    trial->phase = "loaded";
    trial->delivery.lost = SL_VALUE(7);
    trial->leaks_missing = "the subject ended before Close";
    trial = result_trial(result, 3, 0);
    trial->leaks.late = 1;
    trial->leaks.late_threads = late;
    trial->leaks.n_late_threads = 1;
    result->control = (struct sl_control){.reason = "no memory for it"};
    return result;
}

static const struct sl_page plain = {0};

SL_TEST(table, every_note_has_a_cell_that_refers_to_it)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 1);
    struct sl_trial_result *trial = result_trial(result, 0, 0);
    trial->close.timed_out = true;
    trial->close.duration_ns = SL_MISSING_VALUE("Close did not return");
    trial->latency.end_to_end.p99 = SL_MISSING_VALUE("too few samples");
    SL_AUTO_FREE char *text = print(result, &plain);
    cr_assert(strstr(text, "timed out"), "%s", text);
    cr_assert(strstr(text, "\n  [1] too few samples\n"), "%s", text);
    cr_assert(!strstr(text, "[2]"), "%s", text);
    cr_assert(!strstr(text, "Close did not return"), "%s", text);
}

SL_TEST(table, cells_with_fewer_trials_than_others_are_not_hidden_in_the_title)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 3);
    (void) result_add_cell(result, "low", "unified", "nats", NULL, 2);
    SL_AUTO_FREE char *text = print(result, &plain);
    cr_assert(strstr(text, ", 2 to 3 trials\n"), "%s", text);
}

SL_TEST(table, a_good_run)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = good_run(1);
    assert_sample(result, &plain, "good");
}

SL_TEST(table, several_trials)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = good_run(3);
    assert_sample(result, &plain, "trials");
}

SL_TEST(table, the_incident_beside_its_claims)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = incident_run();
    assert_sample(result, &plain, "incident");
}

SL_TEST(table, a_run_in_which_everything_went_wrong)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = bad_run();
    assert_sample(result, &plain, "bad");
}

SL_TEST(table, a_narrow_terminal_exchanges_rows_and_columns)
{
    const struct sl_page narrow = {.width = 60};
    SL_AUTO(sl_run_result) struct sl_run_result *result = good_run(1);
    assert_sample(result, &narrow, "narrow");
}

SL_TEST(table, colour_changes_no_character_but_the_colour)
{
    const struct sl_page color = {.color = true};
    SL_AUTO(sl_run_result) struct sl_run_result *result = incident_run();
    SL_AUTO_FREE char *with = print(result, &color), *without = print(result, &plain);
    cr_assert(strstr(with, "\033[31m"));
    cr_assert_null(strchr(without, '\033'));
    char *to = with;
    for (const char *from = with; *from;) {
        if (*from == '\033')
            from = strchr(from, 'm') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    cr_assert_str_eq(with, without);
}

SL_TEST(table, messages_that_were_refused_or_got_no_answer_are_said)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 2);
    for (size_t i = 0; i < 2; i++) {
        struct sl_delivery *delivery = &result_trial(result, 0, i)->delivery;
        delivery->published = SL_VALUE(30);
        delivery->rejected = SL_VALUE(5);
        delivery->unknown = SL_VALUE(i * 65);
    }
    SL_AUTO_FREE char *text = print(result, &plain);
    cr_assert(strstr(text, ": accepted 60 of 135 messages, 10 were refused; "), "%s", text);
    cr_assert(strstr(text, ": 65 of 135 publishes had no answer and were not handled; "), "%s",
              text);
}

SL_TEST(table, what_stayed_besides_threads_is_said_of_the_trial_that_left_most)
{
    static const struct sl_leftover items[] = {
        {.kind = "descriptor", .what = "/dev/null", .count = 7},
        {.kind = "timer", .what = "POSIX", .count = 1},
        {.kind = "descriptor", .what = "pipe", .count = 1},
    };
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "memory", NULL, 3);
    for (size_t i = 0; i < 2; i++) {
        struct sl_left_behind *left = &result_trial(result, 0, i)->left;
        left->descriptors = SL_VALUE(i ? 8 : 2);
        left->items = items;
        left->n_items = i ? SL_COUNT_OF(items) : 1;
    }
    SL_AUTO_FREE char *text = print(result, &plain);
    cr_assert(
        strstr(text, "8 descriptors stayed after Close in 2 of 3 trials: 7 x /dev/null, pipe"),
        "%s", text);
    cr_assert_not(strstr(text, "timer"), "%s", text);
}

SL_TEST(table, trials_that_differ_show_the_least_and_the_most_below_the_median)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = good_run(3);
    for (size_t i = 0; i < 3; i++) {
        struct sl_trial_result *trial = result_trial(result, 0, i);
        trial->rate.delivered = SL_REAL(1000.0 * (double) (3 - i));
        trial->delivery.duplicates = SL_VALUE(i);
    }
    assert_sample(result, &(struct sl_page){.width = 120}, "spread");
    assert_sample(result, &(struct sl_page){.width = 60}, "spread_narrow");
}

SL_TEST(table, a_busy_machine_is_said_and_an_idle_one_is_not)
{
    static const struct {
        double load, others, stolen;
        const char *line;
    } cases[] = {
        {0.9, 0.19, 0.039, NULL},
        {1, 0, 0, "busy machine, times and rates may be off: load average 1 before the run\n"},
        {0, 0.25, 0, "may be off: 0.25 CPUs used by others during it\n"},
        {4, 1, 0.5,
         "load average 4 before the run, 1 CPUs used by others during it, 0.5 CPUs stolen by "
         "the hypervisor\n"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SL_AUTO(sl_run_result) struct sl_run_result *result = good_run(1);
        result->environment.load_before = SL_REAL(cases[i].load); /* on 2 cores */
        result->environment.cpus_of_others = SL_REAL(cases[i].others);
        result->environment.cpus_stolen = SL_REAL(cases[i].stolen);
        SL_AUTO_FREE char *text = print(result, &plain);
        cr_assert_eq(strstr(text, "busy machine") != NULL, cases[i].line != NULL, "case %zu", i);
        cr_assert(!cases[i].line || strstr(text, cases[i].line), "%s", text);
    }
}

SL_TEST(table, a_group_without_a_function_says_so)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "unified", "memory", NULL, 1);
    result_add_group(result, result_trial(result, 0, 0), 1, SL_CAUSE_PARKED, "f")->group.function =
        NULL;
    SL_AUTO_FREE char *text = print(result, &plain);
    cr_assert(strstr(text, "\n  1 x (no function): parked"), "%s", text);
}

SL_TEST(table, a_run_without_cells_is_no_success)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    SL_AUTO_FREE char *text = print(result, &plain);
    cr_assert(strstr(text, "could not measure: no trial ran"));
}
