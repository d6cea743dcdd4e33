/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "reports/print/compare.h"
#include "result_builder.h"

static struct sl_run_result *run_of_two_modes(void)
{
    struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 3);
    (void) result_add_cell(result, "low", "unified", "nats", NULL, 3);
    return result;
}

static struct sl_comparison compare(const struct sl_run_result *base, struct sl_run_result *head)
{
    struct sl_comparison comparison = {0};
    struct sl_error err = {0};
    sl_assert_ok(sl_compare(base, head, head->arena, &comparison, &err), &err);
    return comparison;
}

static const struct sl_metric_change *
find_metric(const struct sl_comparison *comparison, const char *mode, const char *metric)
{
    for (size_t i = 0; i < comparison->n_metrics; i++)
        if (strcmp(comparison->metrics[i].cell->key.mode, mode) == 0 &&
            strcmp(comparison->metrics[i].metric.path, metric) == 0)
            return &comparison->metrics[i];
    cr_assert_fail("no metric %s of %s", metric, mode);
    return NULL;
}

SL_TEST(compare, groups_are_new_gone_and_the_same_in_this_order)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    (void) result_add_group(base, result_trial(base, 0, 0), 5, SL_CAUSE_PARKED, "stays");
    (void) result_add_group(base, result_trial(base, 1, 1), 2, SL_CAUSE_IO, "goes");
    (void) result_add_group(head, result_trial(head, 0, 0), 4, SL_CAUSE_PARKED, "stays");
    (void) result_add_group(head, result_trial(head, 0, 2), 7, SL_CAUSE_PARKED, "stays");
    (void) result_add_group(head, result_trial(head, 1, 0), 1, SL_CAUSE_IO, "comes");
    (void) result_add_group(head, result_trial(head, 1, 0), 9, SL_CAUSE_RESIDENT, "resident");

    struct sl_comparison comparison = compare(base, head);
    cr_assert_eq(comparison.n_groups, 3);
    cr_assert_eq(comparison.groups[0].change, SL_CHANGE_NEW);
    cr_assert_str_eq(comparison.groups[0].finding->group.function, "comes");
    cr_assert_eq(comparison.groups[1].change, SL_CHANGE_GONE);
    cr_assert_str_eq(comparison.groups[1].finding->group.function, "goes");
    cr_assert_eq(comparison.groups[2].change, SL_CHANGE_SAME);
    cr_assert_eq(comparison.groups[2].base_count.value, 5);
    cr_assert_eq(comparison.groups[2].head_count.value, 7, "the most in one trial");
}

SL_TEST(compare, a_leak_is_not_gone_when_nobody_could_look)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    (void) result_add_group(base, result_trial(base, 0, 0), 5, SL_CAUSE_PARKED, "stays");
    for (size_t i = 0; i < 3; i++)
        result_trial(head, 0, i)->leaks_missing = "not permitted";
    struct sl_comparison comparison = compare(base, head);
    cr_assert_eq(comparison.n_groups, 1);
    cr_assert_eq(comparison.groups[0].change, SL_CHANGE_UNKNOWN);
    cr_assert_eq(comparison.groups[0].base_count.value, 5);
    cr_assert_str_eq(comparison.groups[0].head_count.missing, "no trial of the cell could look");
}

/* One cell each, of one name in base and of another in head, with a leak in one of them. */
static char *print_unmatched(bool leak_in_base, const char *form)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    (void) result_add_cell(base, "low", "keyed", "memory", NULL, 1);
    (void) result_add_cell(head, "low", "keyed", "memory", "f", 1);
    struct sl_run_result *with = leak_in_base ? base : head;
    (void) result_add_group(with, result_trial(with, 0, 0), 1, SL_CAUSE_PARKED, "reporter");
    struct sl_comparison comparison = compare(base, head);
    return result_export(sl_compare_exporters, form, &comparison, NULL);
}

SL_TEST(compare, a_leak_of_a_cell_that_head_did_not_play_is_listed_and_not_called_gone)
{
    SL_AUTO_FREE char *text = print_unmatched(true, "text");
    cr_assert(strstr(text, "unknown  1 -> - x reporter: parked"), "%s", text);
    cr_assert(!strstr(text, "no leaked threads"), "%s", text);
    SL_AUTO_FREE char *json = print_unmatched(true, "json");
    cr_assert(strstr(json, "\"base_count\": 1,"), "%s", json);
    cr_assert(strstr(json, "\"head_count\": null,"), "%s", json);
    cr_assert(strstr(json, "\"head_count\": \"the cell was not played\""), "%s", json);
}

SL_TEST(compare, a_cell_that_base_did_not_play_has_no_0_there)
{
    SL_AUTO_FREE char *text = print_unmatched(false, "text");
    cr_assert(strstr(text, "new      - -> 1 x reporter: parked"), "%s", text);
    SL_AUTO_FREE char *json = print_unmatched(false, "json");
    cr_assert(strstr(json, "\"base_count\": null,"), "%s", json);
    cr_assert(strstr(json, "\"base_trials\": null,"), "%s", json);
    cr_assert(strstr(json, "\"head_count\": 1,"), "%s", json);
}

SL_TEST(compare, threads_that_were_not_joined_are_new_only_where_base_looked_for_them)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    (void) result_add_cell(base, "low", "keyed", "memory", NULL, 1);
    (void) result_add_cell(head, "low", "keyed", "memory", NULL, 1);
    (void) result_add_group(head, result_trial(head, 0, 0), 5, SL_CAUSE_UNJOINED, "end_at_once");
    cr_assert_eq(compare(base, head).groups[0].change, SL_CHANGE_NEW);

    result_trial(base, 0, 0)->leaks.unjoined_missing = "not in the report";
    struct sl_comparison comparison = compare(base, head);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(text, "unknown  - -> 5 x end_at_once"), "%s", text);
}

SL_TEST(compare, no_leaks_are_said_of_the_trials_that_could_look_only)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    struct sl_comparison comparison = compare(base, head);
    SL_AUTO_FREE char *all = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(all, "\nno leaked threads in either report\n"), "%s", all);

    result_trial(head, 1, 2)->leaks_missing = "not permitted";
    comparison = compare(base, head);
    SL_AUTO_FREE char *some = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(!strstr(some, "in either report"), "%s", some);
    cr_assert(strstr(some, "where they are known: 6 of 6 trials of base, 5 of 6 of head\n"), "%s",
              some);
}

SL_TEST(compare, nothing_that_was_not_played_is_free_of_leaks)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    struct sl_comparison comparison = compare(base, head);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(!strstr(text, "in either report"), "%s", text);
    cr_assert(strstr(text, "  base: no trial was played\n"), "%s", text);
}

SL_TEST(compare, trials_are_counted_where_one_side_has_several)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    (void) result_add_cell(base, "low", "keyed", "memory", NULL, 1);
    (void) result_add_cell(head, "low", "keyed", "memory", NULL, 4);
    (void) result_add_group(head, result_trial(head, 0, 1), 1, SL_CAUSE_PARKED, "reporter");
    result_trial(head, 0, 3)->leaks_missing = "not permitted";
    result_trial(head, 0, 3)->rate.delivered = SL_MISSING_REAL("it crashed");

    struct sl_comparison comparison = compare(base, head);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(text, "(low/keyed/memory, in 0 of 1 -> 1 of 3 trials)"), "%s", text);
    cr_assert(strstr(text, "\nlow/keyed/memory, trials: 1, then 4\n"), "%s", text);
    cr_assert(strstr(text, " (3 of 4)"), "a rate of some trials: %s", text);
}

SL_TEST(compare, cells_of_one_name_with_other_settings_are_said_to_be_so)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    result_add_cell(head, "low", "keyed", "nats", NULL, 3)->config.events = 7;
    result_add_cell(head, "low", "unified", "nats", NULL, 3)->config.rate = SL_VALUE(100);
    struct sl_comparison comparison = compare(base, head);
    cr_assert_eq(comparison.settings.n, 2);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(text, "different settings"), "%s", text);
    cr_assert(strstr(text, ", then 7\n"), "%s", text);
    cr_assert(strstr(text, "  low/unified/nats: rate: "), "%s", text);
}

SL_TEST(compare, a_side_that_is_not_to_be_relied_on_is_named_with_the_reason)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    base->control.found = 0;
    base->run.interrupted = true;
    result_trial(head, 0, 1)->status = SL_TRIAL_CRASHED;
    struct sl_comparison comparison = compare(base, head);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(text, "  base: the run was interrupted\n"), "%s", text);
    cr_assert(strstr(text, "and found 0: no count of this run can be trusted\n"), "%s", text);
    cr_assert(strstr(text, "  head: 1 of 6 trials did not end well\n"), "%s", text);
}

SL_TEST(compare, metrics_are_medians_and_what_is_missing_stays_missing)
{
    static const double rates[] = {100, 900, 300};
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    for (size_t i = 0; i < 3; i++) {
        result_trial(base, 0, i)->rate.delivered = SL_REAL(rates[i]);
        result_trial(head, 0, i)->latency.publish.p99 = SL_MISSING_VALUE("too few samples");
    }
    result_trial(head, 1, 2)->delivery.lost = SL_VALUE(3);

    struct sl_comparison comparison = compare(base, head);
    const struct sl_metric_change *rate = find_metric(&comparison, "keyed", "rate.delivered");
    cr_assert_eq(rate->base.value, 300);
    cr_assert_eq(rate->metric.unit, SL_UNIT_PER_SECOND);
    cr_assert(!rate->metric.lower_is_better);
    const struct sl_metric_change *p99 = find_metric(&comparison, "keyed", "latency.publish.p99");
    cr_assert_null(p99->base.missing);
    cr_assert_str_eq(p99->head.missing, "too few samples");
    cr_assert_eq(find_metric(&comparison, "unified", "delivery.lost")->head.value, 3,
                 "the worst, not the median");

    SL_AUTO_FREE char *json = result_export(sl_compare_exporters, "json", &comparison, NULL);
    cr_assert(strstr(json, "\"head\": \"too few samples\""));
    cr_assert(strstr(json, "\"schema\": \"strandline.compare/1\""));
}

SL_TEST(compare, cells_of_one_side_are_shown)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    (void) result_add_cell(head, "low", "keyed", "nats", NULL, 1);
    (void) result_add_cell(head, "high", "keyed", "nats", NULL, 1);
    (void) result_add_group(head, result_trial(head, 1, 0), 2, SL_CAUSE_PARKED, "worker_main");

    struct sl_comparison comparison = compare(base, head);
    cr_assert_eq(comparison.n_only_base, 1);
    cr_assert_eq(comparison.n_only_head, 1);
    cr_assert_eq(comparison.groups[0].change, SL_CHANGE_NEW);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(text, "only in base: low/unified/nats\n"));
    cr_assert(strstr(text, "only in head: high/keyed/nats\n"));
}

SL_TEST(compare, variants_with_one_key_pair_up_by_label)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    result_add_cell(base, "incident", "keyed", "nats", "f", 1)->claim.label = "as it was";
    result_add_cell(base, "incident", "keyed", "nats", "f", 1)->claim.label = "fix 3";
    result_add_cell(head, "incident", "keyed", "nats", "f", 1)->claim.label = "fix 3";
    result_trial(base, 1, 0)->threads.peak = SL_VALUE(77);

    struct sl_comparison comparison = compare(base, head);
    cr_assert_eq(find_metric(&comparison, "keyed", "threads.peak")->base.value, 77);
    cr_assert_str_eq(comparison.only_base[0]->claim.label, "as it was");
}

SL_TEST(compare, a_different_machine_is_said_first)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    cr_assert(compare(base, head).same_environment);
    head->environment.kernel = "Linux 6.5.0";
    head->environment.nats_server = NULL;

    struct sl_comparison comparison = compare(base, head);
    cr_assert(!comparison.same_environment);
    cr_assert_eq(comparison.environment.n, 2);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    cr_assert(strstr(text, "\ndifferent environments"), "%s", text);
    cr_assert(strstr(text, "  kernel: Linux 6.1.0, then Linux 6.5.0\n"));
    cr_assert(strstr(text, "  nats-server: 2.9.10, then not known\n"));
}

SL_TEST(compare, the_first_two_lines_say_what_is_compared)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    base->run.started_at = NULL;
    base->environment.host = NULL;
    head->run.label = "with fix";
    head->run.commit = "fedcba98765432100000";
    head->driver = "tiny 2";
    head->driver_file = (struct sl_driver_file){"./tiny.so", "0123456789abcdef", NULL};
    struct sl_comparison comparison = compare(base, head);
    comparison.base_name = "a.json";
    comparison.head_name = "b.json";

    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    static const char expected[] =
        "base: a.json: strandline-bus 0.1.0, date not known, on a machine not known\n"
        "head: b.json: with fix, commit fedcba987654, tiny 2 (build 0123456789ab), "
        "2024-05-06T07:08:09Z, on east\n";
    cr_assert_eq(strncmp(text, expected, strlen(expected)), 0, "%s", text);

    SL_AUTO_FREE char *lines =
        result_export(sl_compare_exporters, "text", &comparison, &(struct sl_page){.width = 60});
    cr_assert(strstr(lines, "head: b.json: with fix, commit fedcba987654, tiny 2 (build\n"
                            "      0123456789ab), 2024-05-06T07:08:09Z, on east\n"),
              "%s", lines);
}

SL_TEST(compare, another_build_of_the_tool_is_another_environment)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    head->tool.commit = "fedcba";
    struct sl_comparison comparison = compare(base, head);
    cr_assert_eq(comparison.environment.n, 1);
    cr_assert(strstr(comparison.environment.texts[0], "commit fedcba"), "%s",
              comparison.environment.texts[0]);
}

SL_TEST(compare, other_agents_are_another_environment)
{
    static const struct sl_agent_result then[] = {{.name = "a", .host = "west", .role = "load"},
                                                  {.name = "b", .host = "east", .role = "consume"}};
    static const struct sl_agent_result now[] = {{.name = "d", .host = "east", .role = "consume"},
                                                 {.name = "c", .host = "west", .role = "load"}};
    SL_AUTO(sl_run_result) struct sl_run_result *base = run_of_two_modes();
    SL_AUTO(sl_run_result) struct sl_run_result *head = run_of_two_modes();
    result_trial(base, 1, 2)->agents = then;
    result_trial(base, 1, 2)->n_agents = 2;
    struct sl_comparison alone = compare(base, head);
    cr_assert_eq(alone.environment.n, 1);
    cr_assert_str_eq(alone.environment.texts[0],
                     "agents: consume on east, load on west, then none");
    result_trial(head, 0, 0)->agents = now;
    result_trial(head, 0, 0)->n_agents = 2;
    cr_assert(compare(base, head).same_environment, "names and order mean nothing");
}

SL_TEST(compare, the_text_is_the_sample)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    (void) result_add_cell(base, "low", "keyed", "nats", NULL, 1);
    (void) result_add_cell(head, "low", "keyed", "nats", NULL, 1);
    (void) result_add_group(base, result_trial(base, 0, 0), 5, SL_CAUSE_PARKED, "worker_main");
    (void) result_add_group(head, result_trial(head, 0, 0), 6, SL_CAUSE_PARKED, "worker_main");
    (void) result_add_group(head, result_trial(head, 0, 0), 1, SL_CAUSE_IO, "fetch_main");
    result_trial(head, 0, 0)->rate.delivered = SL_REAL(13310);

    struct sl_comparison comparison = compare(base, head);
    SL_AUTO_FREE char *text = result_export(sl_compare_exporters, "text", &comparison, NULL);
    result_assert_sample(text, "table/compare.txt");
}

/* Memory is short once: when this reaches 0. */
static bool take_unless_due(void *context, size_t size)
{
    size_t *left = context;
    (void) size;
    return *left == 0 || --*left > 0;
}

/* Names so long that each text takes memory of its own from the system. */
SL_TEST(compare, memory_that_was_short_for_any_part_is_an_error)
{
    SL_AUTO(sl_run_result) struct sl_run_result *base = result_new();
    SL_AUTO(sl_run_result) struct sl_run_result *head = result_new();
    static char name[40000];
    memset(name, 'n', sizeof name - 1);
    (void) result_add_cell(base, name, "keyed", "nats", NULL, 1);
    result_add_cell(head, name, "keyed", "nats", NULL, 1)->config.handler_kind = "sleep";
    head->environment.host = name;
    head->run.interrupted = true;
    for (size_t n = 1, left = 0; !left; n++) {
        SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
        struct sl_comparison comparison;
        struct sl_error err = {0};
        left = n;
        sl_arena_ask(arena, take_unless_due, &left);
        enum sl_status status = sl_compare(base, head, arena, &comparison, &err);
        cr_assert_eq(status, left ? SL_OK : SL_ENOMEM, "when the %zuth time was due", n);
        cr_assert(!left || n > 2);
    }
}
