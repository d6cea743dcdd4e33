/* SPDX-License-Identifier: Apache-2.0 */
/* Where `strandline run` leaves its report, what it says last, and how policy decides its status.
 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strandline.h"

#define REPORT_TEST(name)                                                                          \
    SL_TEST(run_report, name, .init = strandline_enter, .fini = strandline_leave)

/* What every run here plays: eight workers, over in a second; with LEAK all of them stay. */
#define TINY                                                                                       \
    "{\"load\": {\"events\": 100, \"topics\": 1, \"aggregates\": 10},\n"                           \
    " \"limits\": {\"timeout\": \"20s\", \"settle\": \"300ms\"},\n"                                \
    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n"
#define RUN  "run", "./tiny.json", "--transport", "memory"
#define LEAK "--fault", "pool-not-stopped"

static void assert_ends(struct command_result *result, int status, const char *last_output)
{
    cr_assert_eq(result->status, status, "exit status %d, not %d\n%s\n%s", result->status, status,
                 result->output, result->errors);
    size_t length = strlen(result->output), wanted = strlen(last_output);
    cr_assert(length >= wanted && strcmp(result->output + length - wanted, last_output) == 0, "%s",
              result->output);
}

static bool exists(const char *name)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/%s", strandline_directory(), name);
    return access(path, F_OK) == 0;
}

REPORT_TEST(the_last_lines_say_where_the_report_is_and_what_to_do_with_it)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run(RUN, NULL);
    assert_ends(&result, 0,
                "\nreport: report.json\n  strandline show report.json\n"
                "  strandline gate report.json\n");
    cr_assert_str_eq(result.errors, "");
}

REPORT_TEST(what_show_prints_from_the_file_is_what_run_printed)
{
    strandline_file("tiny.json", TINY);
    struct command_result run = strandline_run(RUN, LEAK, NULL);
    struct command_result show = strandline_run("show", "report.json", NULL);
    cr_assert_eq(run.status, 1);
    cr_assert_eq(show.status, 0);
    cr_assert(strstr(show.output, "8 x "), "%s", show.output);
    size_t length = strlen(show.output);
    cr_assert_eq(strncmp(run.output, show.output, length), 0, "%s\n%s", run.output, show.output);
    cr_assert_eq(strncmp(run.output + length, "report: ", 8), 0, "%s", run.output + length);
}

REPORT_TEST(an_old_report_is_kept_under_another_name_and_that_is_said)
{
    strandline_file("tiny.json", TINY);
    strandline_file("report.json", "the base of a comparison\n");
    struct command_result result = strandline_run(RUN, NULL);
    assert_ends(&result, 0,
                "\nreport: report.json (the one before is report.json.old)\n"
                "  strandline show report.json\n  strandline gate report.json\n"
                "  strandline compare report.json.old report.json\n");
    cr_assert(exists("report.json.old"));
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "schema"), "strandline.report/1");
}

REPORT_TEST(a_run_that_fails_early_leaves_no_report_that_a_gate_could_pass)
{
    strandline_file("tiny.json", TINY);
    strandline_file("report.json", "the report of the run before\n");
    struct command_result result =
        strandline_run("run", "./tiny.json", "--server", "nats://127.0.0.1:1", NULL);
    cr_assert_eq(result.status, 3, "%s", result.errors);
    cr_assert(strstr(result.errors, "no report was written; the one before is report.json.old"),
              "%s", result.errors);
    cr_assert(!exists("report.json"));
    cr_assert(exists("report.json.old"));
}

REPORT_TEST(a_driver_that_cannot_be_loaded_leaves_none_either)
{
    strandline_file("tiny.json", TINY);
    strandline_file("report.json", "the report of the run before\n");
    struct command_result result = strandline_run(RUN, "--driver", "./none.so", "--dry-run", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(exists("report.json"), "nothing was to be played");
    result = strandline_run(RUN, "--driver", "./none.so", NULL);
    cr_assert_eq(result.status, 2, "%s", result.errors);
    cr_assert(strstr(result.errors, "; no report was written, the one before is report.json.old\n"),
              "%s", result.errors);
    cr_assert(!exists("report.json"));
    cr_assert(exists("report.json.old"));
}

REPORT_TEST(a_place_that_cannot_be_written_is_refused_before_anything_is_played)
{
    static const char *const cases[][2] = {
        {"nowhere/r.json", "cannot create a file in 'nowhere/': No such file or directory"},
        {".", "cannot write '.': it is a folder"},
        {"tiny.json/r.json", "cannot write 'tiny.json/r.json': cannot look at it: Not a directory"},
        {"", "--output: a file is needed"},
        {"/proc/r.json", "cannot create a file in '/proc/'"},
    };
    strandline_file("tiny.json", TINY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_result result = strandline_run(RUN, "--output", cases[i][0], NULL);
        assert_ends(&result, 2, "");
        cr_assert_str_eq(result.output, "");
        cr_assert(strstr(result.errors, cases[i][1]), "%s", result.errors);
    }
}

REPORT_TEST(ok_is_not_the_last_word_when_the_report_could_not_be_written)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run(RUN, "--output", "/dev/full", NULL);
    assert_ends(&result, 3,
                "\nno report: cannot write '/dev/full': cannot write the report: "
                "No space left on device\n");
    cr_assert(strstr(result.errors, "No space left on device"), "%s", result.errors);
}

REPORT_TEST(a_dash_is_standard_output_and_no_file)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run(RUN, "--output", "-", NULL);
    cr_assert_eq(result.status, 0, "%s", result.errors);
    json_auto_t *root = json_loads(result.output, 0, NULL);
    cr_assert(root, "%s", result.output);
    cr_assert_eq(json_number_at(root, "verdict.exit"), 0);
    cr_assert_str_eq(result.errors, "");
    cr_assert(!exists("-"));
    cr_assert(!exists("report.json"));
}

REPORT_TEST(beside_json_the_place_of_the_report_is_said_on_standard_error)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run(RUN, "--json", NULL);
    json_auto_t *root = json_loads(result.output, 0, NULL);
    cr_assert(root, "%s", result.output);
    cr_assert(strstr(result.errors, "report: report.json\n"), "%s", result.errors);
}

REPORT_TEST(the_policy_of_gate_decides_the_status_of_run)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run(RUN, LEAK, "--max-leaks", "7", NULL);
    cr_assert_eq(result.status, 1, "%s", result.output);
    cr_assert(strstr(result.output, "8 leaked threads in 1 group (limit 7)"), "%s", result.output);
    result = strandline_run(RUN, LEAK, "--max-leaks", "8", NULL);
    cr_assert_eq(result.status, 0, "%s", result.output);
}

REPORT_TEST(without_a_verdict_a_broken_rule_ends_with_0_and_is_still_written_down)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run(RUN, LEAK, "--no-verdict", NULL);
    cr_assert_eq(result.status, 0, "%s", result.output);
    cr_assert(strstr(result.output, "\nfailed: "), "%s", result.output);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_number_at(root, "verdict.exit"), 1);
    result = strandline_run("gate", "report.json", NULL);
    cr_assert_eq(result.status, 1, "%s", result.output);
}

REPORT_TEST(the_report_says_what_was_measured)
{
    char path[256];
    strandline_file("tiny.json", TINY);
    (void) snprintf(path, sizeof path, "%s/drivers/faulty.so", SL_SUBJECTS_DIR);
    cr_assert_eq(setenv("CI_COMMIT_SHA", "0123abc", 1), 0);
    cr_assert_eq(unsetenv("SL_COMMIT"), 0);
    cr_assert_eq(unsetenv("GITHUB_SHA"), 0);
    (void) strandline_run(RUN, "--label", "the second try", "--driver", path, "--no-verdict", NULL);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "run.label"), "the second try");
    cr_assert_str_eq(json_text_at(root, "run.commit"), "0123abc");
    cr_assert_str_eq(json_text_at(root, "run.commit_from"), "CI_COMMIT_SHA");
    cr_assert_str_eq(json_text_at(root, "driver_file.path"), path);
    const char *argv[] = {"sha256sum", path, NULL};
    const struct command command = {.argv = argv};
    struct command_result sum = command_run(&command);
    const char *hash = json_string_value(json_at(root, "driver_file.sha256"));
    cr_assert(!hash || strncmp(sum.output, hash, 64) == 0, "%s is not %s", hash, sum.output);
}

REPORT_TEST(a_label_is_a_text_that_fits_on_a_line)
{
    struct command_result result = strandline_run("run", "low", "--label", "", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "--label: a text of up to"), "%s", result.errors);
}

REPORT_TEST(without_a_verdict_what_could_not_be_measured_is_still_3)
{
    strandline_file("tiny.json", TINY);
    struct command_result result = strandline_run("run", "./tiny.json", "--server",
                                                  "nats://127.0.0.1:1", "--no-verdict", NULL);
    cr_assert_eq(result.status, 3, "%s", result.errors);
}
