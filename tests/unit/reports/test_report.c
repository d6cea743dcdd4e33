/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "reports/report.h"
#include "result_builder.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

static struct sl_run_result *parse_ok(const char *text)
{
    struct sl_run_result *result = NULL;
    sl_assert_ok(sl_report_parse("report", text, strlen(text), &result, &err), &err);
    return result;
}

/* The full report with the first `from` in it replaced by `to`; to be freed. */
static char *full_with(const char *from, const char *to)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *text = result_to_json(full);
    char *at = strstr(text, from), *changed = NULL;
    cr_assert(at, "'%s' is not in the report", from);
    *at = '\0';
    cr_assert(asprintf(&changed, "%s%s%s", text, to, at + strlen(from)) > 0);
    return changed;
}

static void assert_refused(const char *from, const char *to, const char *text)
{
    SL_AUTO_FREE char *changed = full_with(from, to);
    struct sl_run_result *result = NULL;
    sl_assert_fails(sl_report_parse("r.json", changed, strlen(changed), &result, &err), SL_EPARSE,
                    &err, text);
    cr_assert_null(result);
}

SL_TEST(report, changes_to_the_tool_may_be_unknown_and_that_is_no_false)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    result->tool.commit = NULL;
    result->tool.dirty = SL_MAYBE_UNKNOWN;
    SL_AUTO_FREE char *text = result_to_json(result);
    cr_assert(strstr(text, "\"commit\": null,\n    \"dirty\": null,"), "%s", text);
    struct sl_run_result *read_raw = NULL;
    sl_assert_ok(sl_report_parse("r", text, strlen(text), &read_raw, &err), &err);
    SL_AUTO(sl_run_result) struct sl_run_result *read = read_raw;
    cr_assert_eq(read->tool.dirty, SL_MAYBE_UNKNOWN);
}

SL_TEST(report, what_is_read_is_written_again_byte_for_byte)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *first = result_to_json(full);
    SL_AUTO(sl_run_result) struct sl_run_result *read = parse_ok(first);
    SL_AUTO_FREE char *second = result_to_json(read);
    cr_assert_str_eq(first, second);
}

SL_TEST(report, the_reader_gives_back_the_numbers_and_their_reasons)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *text = result_to_json(full);
    SL_AUTO(sl_run_result) struct sl_run_result *read = parse_ok(text);

    cr_assert_eq(read->n_cells, 2);
    cr_assert_eq(read->run.seed, UINT64_MAX);
    cr_assert_str_eq(read->environment.load_after.missing, "no /proc/loadavg");
    cr_assert_str_eq(read->cells[1].key.fault, "pool-not-stopped,orphan-fetcher");
    cr_assert_null(read->cells[0].key.fault);
    cr_assert_null(read->cells[0].claim.label);
    cr_assert_eq(read->cells[1].claim.leaked.value, 5130);

    const struct sl_trial_result *crashed = &read->cells[0].trials[1];
    cr_assert_eq(crashed->status, SL_TRIAL_CRASHED);
    cr_assert_str_eq(crashed->leaks_missing, "the subject ended before Close");
    cr_assert_str_eq(crashed->delivery.lost.missing, "the subject ended before it could count");
    cr_assert_eq(crashed->hang_findings[0].group.frames[0].address, UINT64_MAX);

    const struct sl_trial_result *shared = &read->cells[0].trials[0];
    cr_assert_eq(shared->n_agents, 2);
    cr_assert_str_eq(shared->agents[0].role, "load");
    cr_assert_eq(shared->agents[0].clock.offset_ns, -7000000000000);
    cr_assert_eq(shared->agents[0].clock.uncertainty_ns.value, 120000);
    cr_assert_str_eq(shared->agents[1].handled.missing, "the agent told nothing");

    const struct sl_leak_report *leaks = &read->cells[1].trials[0].leaks;
    cr_assert_eq(leaks->count, 5125);
    cr_assert_eq(leaks->findings[0].cause, SL_CAUSE_PARKED);
    cr_assert_eq(leaks->findings[0].group.wait.kind, SL_WAIT_CONDITION);
    cr_assert_eq(leaks->findings[0].group.n_ids, 2);
    cr_assert_eq(leaks->late_threads[0].delay_ns, 12000000);
    cr_assert_str_eq(crashed->leaks.unjoined_missing, "the subject ended before Close");
    cr_assert_str_eq(crashed->left.processes.missing, "the subject ended before Close");

    const struct sl_left_behind *left = &read->cells[1].trials[0].left;
    cr_assert_eq(left->descriptors.value, 8);
    cr_assert_eq(left->n_items, 2);
    cr_assert_str_eq(left->items[1].what, "TCP 127.0.0.1:4222");
}

SL_TEST(report, bytes_that_are_not_utf8_become_question_marks)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *text = result_to_json(full);
    cr_assert(strstr(text, "\"thread_name\": \"bad??name\""));
    cr_assert(strstr(text, "caf\xc3\xa9"));
}

SL_TEST(report, numbers_that_cannot_be_true_are_null_with_a_reason)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "memory", NULL, 1);
    struct sl_trial_result *trial = result_trial(result, 0, 0);
    trial->rate.publish = SL_REAL(NAN);
    trial->rate.delivered = SL_REAL(INFINITY);
    trial->threads.peak = SL_VALUE(UINT64_MAX);
    SL_AUTO_FREE char *text = result_to_json(result);
    cr_assert(strstr(text, "\"publish\": null, \"delivered\": null, \"missing\": {\"offered\": "));
    cr_assert(strstr(text, "\"publish\": \"the number is not finite\""));
    cr_assert(strstr(text, "\"missing\": {\"peak\": \"the number is too large to be true\"}"));
}

SL_TEST(report, a_frame_is_one_line)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *text = result_to_json(full);
    cr_assert(strstr(text, "{\"function\": \"worker_main\", \"file\": \"bus/pool_keyed.c\", "
                           "\"line\": 88, \"module\": \"/usr/bin/strandline\", "
                           "\"address\": \"0x401200\", \"inlined\": false, \"offset\": \"0x0\", "
                           "\"build_id\": null, \"region\": 0, "
                           "\"by_frame_pointers\": false},\n"));
}

SL_TEST(report, unknown_keys_are_ignored)
{
    SL_AUTO_FREE char *changed =
        full_with("\"status\":", "\"invented\": [{\"deep\": [1.5e3]}], \"status\":");
    SL_AUTO(sl_run_result) struct sl_run_result *read = parse_ok(changed);
    cr_assert_eq(read->cells[0].trials[0].status, SL_TRIAL_OK);
}

SL_TEST(report, an_absent_measured_number_is_missing_not_zero)
{
    SL_AUTO_FREE char *changed = full_with("\"lost\": 0,", "");
    SL_AUTO(sl_run_result) struct sl_run_result *read = parse_ok(changed);
    cr_assert_str_eq(read->cells[0].trials[0].delivery.lost.missing, "not in the report");

    SL_AUTO_FREE char *without = full_with("\"lost\": 0,", "\"lost\": null,");
    SL_AUTO(sl_run_result) struct sl_run_result *null = parse_ok(without);
    cr_assert_str_eq(null->cells[0].trials[0].delivery.lost.missing, "no reason is given");
}

SL_TEST(report, an_absent_leak_count_is_not_zero_leaks)
{
    SL_AUTO_FREE char *changed =
        full_with("\"leaks\": {\n            \"count\": 0,", "\"leaks\": {");
    SL_AUTO(sl_run_result) struct sl_run_result *read = parse_ok(changed);
    cr_assert_str_eq(read->cells[0].trials[0].leaks_missing, "not in the report");
}

SL_TEST(report, a_file_from_before_leftovers_were_counted_has_none_that_are_known)
{
    SL_AUTO_FREE char *changed = full_with("\"descriptors\": 0,", "");
    SL_AUTO_FREE char *older = full_with("\"unjoined\": 0,", "");
    SL_AUTO(sl_run_result) struct sl_run_result *read = parse_ok(changed);
    SL_AUTO(sl_run_result) struct sl_run_result *old = parse_ok(older);
    cr_assert_str_eq(read->cells[0].trials[0].left.descriptors.missing, "not in the report");
    cr_assert_str_eq(old->cells[0].trials[0].leaks.unjoined_missing, "not in the report");
    cr_assert_null(old->cells[0].trials[0].leaks_missing, "the living ones are known");
}

SL_TEST(report, a_truncated_report_is_refused_with_line_and_column)
{
    static const char text[] = "{\n  \"schema\": \"strandline.report/1\",\n  \"tool\": {";
    struct sl_run_result *result = NULL;
    sl_assert_fails(sl_report_parse("r.json", text, strlen(text), &result, &err), SL_EPARSE, &err,
                    "r.json:3:12: not a report: ");
    cr_assert_eq(err.line, 3);
    cr_assert_eq(err.column, 12);
}

SL_TEST(report, every_truncation_of_a_report_is_refused)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *text = result_to_json(full);
    size_t size = strlen(text) - 1; /* without the newline at the end */
    for (size_t length = 0; length < size; length += 7) {
        struct sl_run_result *result = NULL;
        cr_assert_eq(sl_report_parse("r.json", text, length, &result, &err), SL_EPARSE, "%zu",
                     length);
    }
}

SL_TEST(report, foreign_files_are_refused)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "r.json:1:1: not a report: "},
        {"[]", "r.json: expected an object, not a list"},
        {"{}", "r.json: schema: the key is missing"},
        {"{\"schema\": 1}", "r.json: schema: not a strandline report"},
        {"{\"schema\": \"other/1\"}", "r.json: schema: not a strandline report"},
        {"{\"schema\": \"strandline.report/\"}", "schema: not a strandline report"},
        {"{\"schema\": \"strandline.report/1x\"}", "schema: not a strandline report"},
        {"{\"schema\": \"strandline.report/2\"}", "schema: version 2 of the format is not"},
        {"{\"schema\": \"strandline.report/1\"}", "r.json: tool: the key is missing"},
        {"{\"a\": 1, \"a\": 2}", "not a report: duplicate object key"},
        {"\x1b[2J", "r.json:1:2: not a report: '[' or '{' expected near '?'"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_run_result *result = NULL;
        sl_assert_fails(
            sl_report_parse("r.json", cases[i].text, strlen(cases[i].text), &result, &err),
            SL_EPARSE, &err, cases[i].error);
    }
}

SL_TEST(report, a_wrong_type_is_refused_with_the_path_of_the_key)
{
    assert_refused("\"status\": \"ok\"", "\"status\": 1",
                   "r.json: cells[0].trials[0].status: expected a string, not an integer");
    assert_refused("\"status\": \"ok\"", "\"status\": \"fine\"", "trials[0].status: a word");
    assert_refused("\"published\": 500", "\"published\": \"500\"",
                   "cells[0].trials[0].delivery.published: expected an integer, not a string");
    assert_refused("\"published\": 500", "\"published\": 5.5", "not a fraction");
    assert_refused("\"inlined\": true", "\"inlined\": 1",
                   "cells[0].trials[1].hang_groups[0].frames[0].inlined: expected true or false");
    assert_refused("\"scenario\": \"low\"", "\"scenario\": null",
                   "cells[0].key.scenario: expected a string, not null");
    assert_refused("\"address\": \"0x401200\"", "\"address\": \"401200\"", "0x and hexadecimal");
    assert_refused("\"seed\": \"18446744073709551615\"", "\"seed\": \"18446744073709551616\"",
                   "run.seed: expected decimal digits");
    assert_refused("\"interrupted\": false", "\"was_interrupted\": false",
                   "run.interrupted: the key is missing");
}

SL_TEST(report, counts_that_make_no_sense_are_refused)
{
    assert_refused("\"published\": 500", "\"published\": -1", "-1 is not from 0 to ");
    assert_refused("\"planted\": 5", "\"planted\": 4294967296", "control.planted: 4294967296 is");
    assert_refused("\"published\": 500", "\"published\": 99999999999999999999", "not a report: ");
    assert_refused("\"tids\": [101, 102]", "\"tids\": [1,2,3,4,5,6,7,8,9]", "more than 8 elements");
    assert_refused("\"count\": 5125", "\"count\": 0",
                   "trials[0]: leaks.count is 0, but the sum over");
    assert_refused("\"name\": \"slow worker\"", "\"name\": \"a very slow worker\"",
                   "late_threads[0].name: longer than 15 bytes");
    assert_refused("\"fingerprint\": \"", "\"fingerprint\": \"\", \"x\": \"",
                   "'fingerprint' has to be 16 hexadecimal digits");
}

SL_TEST(report, small_values_without_number_do_not_fill_the_memory)
{
    const size_t n = 30000000;
    SL_AUTO_FREE char *text = malloc(3 * n + 64);
    struct sl_run_result *result = NULL;

    cr_assert(text);
    char *at = stpcpy(text, "{\"schema\": \"strandline.report/1\", \"x\": [{}");
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, ",{}");
    (void) strcpy(at, "]}");
    sl_assert_fails(sl_report_parse("r.json", text, strlen(text), &result, &err), SL_EPARSE, &err,
                    "r.json: reading it would take more than 6144 MiB of memory");
}

/* A change of the format shows up here, as a difference of the sample. */
SL_TEST(report, the_sample_is_what_the_writer_writes)
{
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO_FREE char *text = result_to_json(full);
    result_assert_sample(text, "report/valid/full.json");
}

/* invalid/CASE/report.json is refused by the reader with the text in invalid/CASE/error, and by
   the schema. */
SL_TEST(report, the_invalid_samples_are_refused)
{
    SL_AUTO_FREE char *folder = strdup(result_data_path("report/invalid"));
    DIR *dir = opendir(folder);
    cr_assert(dir);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        if (entry->d_name[0] == '.')
            continue;
        (void) snprintf(path, sizeof path, "%s/%s/error", folder, entry->d_name);
        SL_AUTO_FREE char *error = result_read_file(path);
        error[strcspn(error, "\n")] = '\0';
        (void) snprintf(path, sizeof path, "%s/%s/report.json", folder, entry->d_name);
        struct sl_run_result *result = NULL;
        sl_assert_fails(sl_report_read(path, &result, &err), SL_EPARSE, &err, error);
        int status = result_validate(path);
        cr_assert(status == 1 || status == 2 || status == 77, "%s: %d", path, status);
        n++;
    }
    (void) closedir(dir);
    cr_assert(n >= 8);
}

SL_TEST(report, deep_nesting_is_refused)
{
    char text[20001];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct sl_run_result *result = NULL;
    sl_assert_fails(sl_report_parse("r.json", text, strlen(text), &result, &err), SL_EPARSE, &err,
                    "not a report: maximum parsing depth reached");
}
