/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "reports/baseline.h"
#include "reports/verdict.h"
#include "result_builder.h"

static struct sl_error err;

/* One cell, low/keyed/memory, with so many leaked workers. */
static struct sl_run_result *leaking_run(uint32_t workers)
{
    struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "memory", NULL, 1);
    struct sl_trial_result *trial = result_trial(result, 0, 0);
    if (workers)
        (void) result_add_group(result, trial, workers, SL_CAUSE_PARKED, "worker_main");
    return result;
}

static struct sl_baseline_change
update(struct sl_baseline *baseline, uint32_t workers, const char *reason)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run(workers);
    struct sl_baseline_change change = {0};
    sl_assert_ok(sl_baseline_update(baseline, result, reason, &change, &err), &err);
    return change;
}

static int judge(const struct sl_baseline *baseline, uint32_t workers)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run(workers);
    const struct sl_policy policy = {.ratchet = baseline, .baseline_name = "b.json"};
    struct sl_judgement judgement;
    sl_assert_ok(sl_verdict_evaluate(result, &policy, result->arena, &judgement, &err), &err);
    return judgement.exit;
}

SL_TEST(baseline, leaks_within_it_pass_and_growth_fails)
{
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = sl_baseline_new();
    cr_assert_eq(judge(baseline, 2), 1, "a new leak");
    cr_assert_eq(update(baseline, 2, "old").n_added, 1);
    cr_assert_eq(judge(baseline, 2), 0);
    cr_assert_eq(judge(baseline, 1), 0, "fewer");
    cr_assert_eq(judge(baseline, 3), 1, "more");
}

SL_TEST(baseline, it_shrinks_by_itself_and_grows_for_a_reason_only)
{
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = sl_baseline_new();
    cr_assert_eq(update(baseline, 5, NULL).n_added, 0);
    cr_assert_eq(baseline->n_leaks, 0);
    cr_assert_eq(update(baseline, 5, "old").n_added, 1);
    cr_assert_str_eq(baseline->leaks[0].cell, "low/keyed/memory");
    cr_assert_str_eq(baseline->leaks[0].function, "worker_main");
    cr_assert_eq(update(baseline, 3, NULL).n_lowered, 1);
    cr_assert_eq(baseline->leaks[0].max, 3);
    cr_assert_eq(update(baseline, 4, NULL).n_raised, 0);
    cr_assert_eq(baseline->leaks[0].max, 3);
    cr_assert_eq(update(baseline, 4, "worse").n_raised, 1);
    cr_assert_eq(baseline->leaks[0].max, 4);
    cr_assert_str_eq(baseline->leaks[0].reason, "worse");
    cr_assert_eq(update(baseline, 0, NULL).n_removed, 1);
    cr_assert_eq(baseline->n_leaks, 0);
}

SL_TEST(baseline, what_nobody_looked_for_is_not_stale)
{
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = sl_baseline_new();
    SL_AUTO(sl_run_result) struct sl_run_result *blind = leaking_run(0);
    SL_AUTO(sl_run_result) struct sl_run_result *other = result_new();
    struct sl_baseline_change change;
    struct sl_stale_leak *stale;
    size_t n;

    (void) update(baseline, 5, "old");
    result_trial(blind, 0, 0)->leaks_missing = "nobody looked";
    (void) result_add_cell(other, "low", "unified", "memory", NULL, 1);
    cr_assert(sl_baseline_stale(baseline, blind, blind->arena, &stale, &n));
    cr_assert_eq(n, 0);
    sl_assert_ok(sl_baseline_update(baseline, blind, NULL, &change, &err), &err);
    sl_assert_ok(sl_baseline_update(baseline, other, NULL, &change, &err), &err);
    cr_assert_eq(baseline->n_leaks, 1);
    SL_AUTO(sl_run_result) struct sl_run_result *mended = leaking_run(2);
    cr_assert(sl_baseline_stale(baseline, mended, mended->arena, &stale, &n));
    cr_assert_eq(n, 1);
    cr_assert_eq(stale[0].seen, 2);
}

SL_TEST(baseline, a_leak_is_known_in_its_cell_only)
{
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = sl_baseline_new();
    (void) update(baseline, 5, "old");
    const char *fingerprint = baseline->leaks[0].fingerprint;
    cr_assert_eq(sl_baseline_max(baseline, "low/keyed/memory", fingerprint), 5);
    cr_assert_eq(sl_baseline_max(baseline, "low/keyed/nats", fingerprint), 0);
    cr_assert_eq(sl_baseline_max(baseline, "low/keyed/memory", "ffffffffffffffff"), 0);
}

SL_TEST(baseline, what_is_written_is_read)
{
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = sl_baseline_new();
    SL_AUTO(sl_baseline) struct sl_baseline *again = NULL;
    char path[] = "/tmp/strandline-baseline-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    (void) close(fd);
    (void) update(baseline, 5, "old \"pool\"");
    sl_assert_ok(sl_baseline_write(baseline, path, &err), &err);
    SL_AUTO_FREE char *text = result_read_file(path);
    (void) unlink(path);
    cr_assert(sl_baseline_is(text, strlen(text)));
    sl_assert_ok(sl_baseline_parse("b.json", text, strlen(text), &again, &err), &err);
    cr_assert_eq(again->n_leaks, 1);
    cr_assert_str_eq(again->leaks[0].reason, "old \"pool\"");
    cr_assert_eq(again->leaks[0].max, 5);
}

#define LEAKS(leaks)                                                                               \
    "{\"schema\": \"strandline.baseline/1\", \"fingerprints\": 1, \"leaks\": [" leaks "]}"
#define LEAK(fingerprint, max, reason)                                                             \
    "{\"cell\": \"c\", \"fingerprint\": \"" fingerprint "\", \"function\": \"f\", \"max\": " max   \
    ", \"reason\": \"" reason "\"}"

SL_TEST(baseline, what_is_no_baseline_is_refused)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"{\"schema\": \"strandline.baseline/1\", \"fingerprints\": 2, \"leaks\": []}",
         "b.json: fingerprints of version 2, but this program makes those of version 1"},
        {"{\"schema\": \"strandline.baseline/2\", \"fingerprints\": 1, \"leaks\": []}", "b.json: "},
        {"{\"schema\": \"strandline.baseline/1\", \"leaks\": []}", "b.json: "},
        {LEAKS(LEAK("0123", "1", "r")), "'fingerprint' has to be 16 hexadecimal digits"},
        {LEAKS(LEAK("0123456789abcdef", "0", "r")), "'max' has to be 1 or more"},
        {LEAKS(LEAK("0123456789abcdef", "1", "")), "'reason' has to say something"},
        {LEAKS(LEAK("0123456789abcdef", "1", "r") ", " LEAK("0123456789abcdef", "2", "r")),
         "b.json: the leak 0123456789abcdef is there twice"},
        {"", "b.json"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SL_AUTO(sl_baseline) struct sl_baseline *baseline = NULL;
        err = (struct sl_error){0};
        sl_assert_fails(
            sl_baseline_parse("b.json", cases[i].text, strlen(cases[i].text), &baseline, &err),
            SL_EPARSE, &err, cases[i].error);
    }
}
