/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of many groups, trials and cells: the work grows with their number, not with its square.
 * What is counted is the comparisons of texts, which is what looking from list to list is made of.
 */
#include "sl_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "reports/compare.h"
#include "reports/print/compare.h"
#include "reports/print/table.h"
#include "reports/print/verdict.h"
#include "result_builder.h"

#define N 20000
/* A sort makes 15 comparisons of each element; there are some sorts and searches of each text. */
#define MOST (UINT64_C(400) * N)

static uint64_t n_compared;

/* Takes the place of the C library's for what is linked statically. */
int strcmp(const char *a, const char *b);
__attribute__((noinline)) int strcmp(const char *a, const char *b)
{
    n_compared++;
    for (; *a && *a == *b; a++)
        b++;
    return (unsigned char) *a - (unsigned char) *b;
}

static void add_groups(struct sl_run_result *run, uint64_t salt)
{
    (void) result_add_cell(run, "low", "keyed", "nats", NULL, 1);
    struct sl_trial_result *trial = result_trial(run, 0, 0);
    const struct sl_finding some = *result_add_group(run, trial, 1, SL_CAUSE_PARKED, "work");
    struct sl_finding *findings = sl_arena_array(run->arena, N, sizeof *findings);

    cr_assert(findings);
    for (uint64_t i = 0; i < N; i++) {
        findings[i] = some;
        (void) snprintf(findings[i].group.fingerprint, sizeof findings[i].group.fingerprint,
                        "%016" PRIx64, i * UINT64_C(0x9e3779b97f4a7c15) + salt);
    }
    trial->leaks.findings = findings;
    trial->leaks.n_findings = trial->leaks.count = N;
}

static void add_cells(struct sl_run_result *run)
{
    struct sl_cell_result *cells = sl_arena_array(run->arena, N, sizeof *cells);
    (void) result_add_cell(run, "low", "keyed", "nats", NULL, 1);

    cr_assert(cells);
    for (size_t i = 0; i < N; i++) {
        cells[i] = run->cells[0];
        cells[i].key.scenario = sl_arena_printf(run->arena, "scenario-%zu", N - i);
    }
    run->cells = cells;
    run->n_cells = N;
}

static void fail_trials(struct sl_run_result *run)
{
    (void) result_add_cell(run, "low", "keyed", "nats", NULL, N);
    for (size_t i = 0; i < N; i++) {
        struct sl_trial_result *trial = result_trial(run, 0, i);
        trial->status = SL_TRIAL_FAILED;
        trial->reason = sl_arena_printf(run->arena, "for reason %zu", i);
    }
}

/* All that is made of reports: judged, printed, compared. */
static void use(struct sl_run_result *base, struct sl_run_result *head)
{
    const struct sl_policy policy = {.baseline = base, .baseline_name = "base.json"};
    struct sl_judgement judgement;
    struct sl_comparison comparison;
    struct sl_error err = {0};

    n_compared = 0;
    sl_assert_ok(sl_verdict_evaluate(head, &policy, head->arena, &judgement, &err), &err);
    free(result_export(sl_verdict_exporters, "text", &judgement, NULL));
    free(result_export(sl_report_exporters, "text", head, NULL));
    sl_assert_ok(sl_compare(base, head, head->arena, &comparison, &err), &err);
    free(result_export(sl_compare_exporters, "text", &comparison, NULL));
    cr_assert_gt(n_compared, 0, "nothing was counted");
    cr_assert_lt(n_compared, MOST, "%" PRIu64 " comparisons", n_compared);
}

SL_TEST(large_report, groups_are_not_looked_for_list_by_list)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    add_groups(base, 0);
    add_groups(head, 7);
    use(base, head);
}

SL_TEST(large_report, neither_are_cells)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    add_cells(base);
    add_cells(head);
    use(base, head);
}

SL_TEST(large_report, nor_what_was_said_of_other_trials)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    fail_trials(base);
    fail_trials(head);
    use(base, head);
}
