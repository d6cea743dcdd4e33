/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run` over the in-memory transport: needs no server. */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strandline.h"

#define FAULTY_DRIVER SL_SUBJECTS_DIR "/drivers/faulty.so"

#define RUN_TEST(name) SL_TEST(run, name, .init = strandline_enter, .fini = strandline_leave)

/* One trial that ends in about half a second. */
#define SMALL_SCENARIO(load, limits)                                                               \
    "{\"load\": {\"events\": 200, \"topics\": 2, \"aggregates\": 10" load "},\n"                   \
    " \"limits\": {\"timeout\": \"20s\", \"settle\": \"500ms\"" limits "},\n"                      \
    " \"modes\": {\"keyed\": {\"workers\": 8}, \"unified\": {\"workers\": 8}},\n"                  \
    " \"play\": [\"keyed\", \"unified\"]}\n"

static void assert_status(const struct command_result *result, int expected)
{
    cr_assert_eq(result->status, expected, "exit status %d, not %d\n%s\n%s", result->status,
                 expected, result->output, result->errors);
}

static size_t n_groups_with_cause(const json_t *root, const char *trial, const char *cause)
{
    char path[128];
    size_t n = 0;

    (void) snprintf(path, sizeof path, "%s.leaks.groups", trial);
    const json_t *groups = json_at(root, path);
    for (size_t i = 0; i < json_array_size(groups); i++)
        if (strcmp(json_text_at(json_array_get(groups, i), "cause"), cause) == 0)
            n++;
    return n;
}

RUN_TEST(every_mode_delivers_everything_in_order_and_leaks_nothing)
{
    struct command_result result =
        strandline_run("run", "low", "--transport", "memory", "--mode", "keyed,unified,direct",
                       "--output", "report.json", NULL);
    assert_status(&result, 0);
    json_auto_t *root = strandline_json("report.json");
    static const char *const modes[] = {"keyed", "unified", "direct"};

    cr_assert_eq(json_array_size(json_at(root, "cells")), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *cell = json_array_get(json_at(root, "cells"), i);
        cr_assert_str_eq(json_text_at(cell, "key.scenario"), "low");
        cr_assert_str_eq(json_text_at(cell, "key.mode"), modes[i]);
        cr_assert_str_eq(json_text_at(cell, "key.transport"), "memory");
        cr_assert(json_is_null(json_at(cell, "key.fault")));
        cr_assert_str_eq(json_text_at(cell, "trials.0.status"), "ok");
        cr_assert_eq(json_number_at(cell, "trials.0.delivery.published"), 500);
        cr_assert_eq(json_number_at(cell, "trials.0.delivery.handled"), 500);
        cr_assert_eq(json_number_at(cell, "trials.0.delivery.lost"), 0);
        cr_assert_eq(json_number_at(cell, "trials.0.delivery.order_violations"), 0);
        cr_assert_eq(json_number_at(cell, "trials.0.leaks.count"), 0);
        cr_assert_eq(json_number_at(cell, "trials.0.threads.before"), 1);
        cr_assert_eq(json_number_at(cell, "trials.0.threads.after"), 1);
        cr_assert_eq(json_number_at(cell, "trials.0.resources.fds_after"),
                     json_number_at(cell, "trials.0.resources.fds_before"));
    }
    cr_assert_geq(json_number_at(root, "cells.0.trials.0.threads.peak"), 5 * 1024);
    cr_assert_eq(json_number_at(root, "verdict.exit"), 0);
}

RUN_TEST(a_planted_leak_is_found_in_every_run)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    struct command_result result = strandline_run("run", "./small.json", "--transport", "memory",
                                                  "--output", "report.json", NULL);
    assert_status(&result, 0);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_gt(json_number_at(root, "control.planted"), 0);
    cr_assert_eq(json_number_at(root, "control.found"), json_number_at(root, "control.planted"));
}

/* What can wake it is told step by step, or why that is not known. */
static void assert_proven(const json_t *group)
{
    const char *grade = json_text_at(group, "proof.grade");
    const json_t *path = json_at(group, "proof.path"), *step;
    size_t i;

    if (strcmp(grade, "not-judged") == 0)
        cr_assert(*json_text_at(group, "proof.reason"));
    else
        cr_assert_str_eq(grade, "alive", "the subject's main thread has the bus");
    json_array_foreach(path, i, step) cr_assert(*json_text_at(step, "what"));
    cr_assert(i || json_is_string(json_at(group, "proof.reason")));
}

RUN_TEST(a_pool_that_is_not_stopped_leaks_exactly_its_workers_parked)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    struct command_result result =
        strandline_run("run", "./small.json", "--transport", "memory", "--fault",
                       "pool-not-stopped", "--output", "report.json", NULL);
    assert_status(&result, 1);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_number_at(root, "cells.0.trials.0.leaks.count"), 16, "2 topics x 8 workers");
    cr_assert_eq(json_number_at(root, "cells.1.trials.0.leaks.count"), 8);
    cr_assert_str_eq(json_text_at(root, "cells.0.key.fault"), "pool-not-stopped");
    cr_assert_eq(n_groups_with_cause(root, "cells.0.trials.0", "parked"),
                 json_array_size(json_at(root, "cells.0.trials.0.leaks.groups")));
    for (size_t i = 0; i < 2; i++)
        assert_proven(
            json_at(json_array_get(json_at(root, "cells"), i), "trials.0.leaks.groups.0"));
    cr_assert_eq(json_number_at(root, "verdict.exit"), 1);
}

RUN_TEST(a_skipped_close_is_named_whatever_else_is_on_the_stacks)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    struct command_result result = strandline_run(
        "run", "./small.json", "--transport", "memory", "--mode", "keyed,unified,direct", "--fault",
        "close-skipped,pool-not-stopped,orphan-fetcher", "--output", "report.json", NULL);
    assert_status(&result, 1);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_gt(json_number_at(root, "cells.0.trials.0.leaks.count"), 16);
    for (size_t i = 0; i < 3; i++) {
        const json_t *cell = json_array_get(json_at(root, "cells"), i);
        cr_assert_gt(json_number_at(cell, "trials.0.leaks.count"), 0);
        cr_assert_eq(n_groups_with_cause(cell, "trials.0", "not-closed"),
                     json_array_size(json_at(cell, "trials.0.leaks.groups")));
    }
}

RUN_TEST(a_handler_that_never_returns_is_named_by_the_hang_snapshot)
{
    strandline_file("hang.json", SMALL_SCENARIO(", \"handler\": {\"kind\": \"hang\"}",
                                                ", \"close_deadline\": \"300ms\""));
    struct command_result result =
        strandline_run("run", "./hang.json", "--transport", "memory", "--mode", "unified",
                       "--output", "report.json", NULL);
    assert_status(&result, 1);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "timeout");
    cr_assert(json_is_true(json_at(root, "cells.0.trials.0.close.timed_out")));
    char *text = json_dumps(json_at(root, "cells.0.trials.0.hang_groups"), 0);
    cr_assert(strstr(text, "hanging_handler"), "%s", text);
    free(text);
}

RUN_TEST(a_thread_limit_while_workers_are_created_is_one_clear_error)
{
#ifdef __SANITIZE_ADDRESS__
    strandline_leave(); /* a test that is skipped has no .fini */
    cr_skip_test("AddressSanitizer needs more address space than the limit leaves");
#endif
    const char *const argv[] = {
        strandline_program(), "run",         "low", "--transport", "memory", "--mode", "keyed",
        "--output",           "report.json", NULL};
    /* 5,120 stacks of 64 KiB do not fit into this address space. */
    const struct command command = {
        .argv = argv, .directory = strandline_directory(), .memory = 300ul << 20};
    struct command_result result = command_run(&command);
    assert_status(&result, 3);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "failed");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "thread"), "%s",
              json_text_at(root, "cells.0.trials.0.reason"));
}

RUN_TEST(a_crash_is_seen_also_by_who_was_started_with_children_ignored)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    static const char command_line[] =
        "exec env --ignore-signal=CHLD \"$0\" run ./small.json --transport memory --mode unified "
        "--driver \"$1\" --fault crashes --output report.json";
    const char *const argv[] = {"sh",          "-c", command_line, strandline_program(),
                                FAULTY_DRIVER, NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    struct command_result result = command_run(&command);
    assert_status(&result, 3);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "crashed");
    cr_assert_gt(json_number_at(root, "cells.0.trials.0.signal"), 0);
}

RUN_TEST(a_driver_from_a_shared_object_is_driven_like_the_built_in_one)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    struct command_result result = strandline_run("run", "./small.json", "--driver", EXAMPLE_DRIVER,
                                                  "--output", "report.json", NULL);
    assert_status(&result, 0);
    json_auto_t *root = strandline_json("report.json");
    cr_assert(strstr(json_text_at(root, "driver"), "simple"), "%s", json_text_at(root, "driver"));
    cr_assert_eq(json_number_at(root, "cells.0.trials.0.delivery.handled"), 200);
}

/* One trial of a driver whose Close leaves this; the rest of the arguments ends with NULL. */
static struct command_result run_leaving(const char *what, const char *option, const char *value)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    (void) setenv("LEAVES", what, 1);
    struct command_result result = strandline_run(
        "run", "./small.json", "--transport", "memory", "--mode", "direct", "--driver",
        SL_SUBJECTS_DIR "/drivers/leaves.so", "--output", "report.json", option, value, NULL);
    (void) unsetenv("LEAVES");
    return result;
}

RUN_TEST(threads_that_close_does_not_join_are_leaks)
{
    struct command_result result = run_leaving("unjoined", NULL, NULL);
    json_auto_t *root = strandline_json("report.json");
    const json_t *leaks = json_at(root, "cells.0.trials.0.leaks");

    if (json_is_null(json_at(leaks, "unjoined")))
        cr_skip_test("%s", json_text_at(leaks, "missing.unjoined"));
    assert_status(&result, 1);
    cr_assert_eq(json_number_at(leaks, "unjoined"), 5);
    cr_assert_eq(json_number_at(leaks, "count"), 5);
    cr_assert_str_eq(json_text_at(leaks, "groups.0.cause"), "unjoined");
#ifndef __SANITIZE_ADDRESS__ /* which starts every thread with a function of its own */
    cr_assert_str_eq(json_text_at(leaks, "groups.0.function"), "end_at_once");
#endif
    cr_assert(strstr(result.output, "5 threads ended and were never joined"), "%s", result.output);
}

RUN_TEST(what_stays_besides_threads_is_told_and_judged_where_a_policy_limits_it)
{
    static const struct {
        const char *what, *key, *line, *limit;
        long count;
    } cases[] = {
        {"descriptors", "descriptors", "8 descriptors stayed after Close: 7 x /dev/null, pipe:[",
         "--max-descriptors", 8},
        {"child", "processes", "1 child process stayed after Close: 'left-behind', pid ",
         "--max-processes", 1},
        {"orphan", "processes", "1 child process stayed after Close: 'left-behind', pid ",
         "--max-processes", 1},
        {"timer", "timers", "1 timer, which may make threads later, stayed after Close: POSIX",
         NULL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_result result = run_leaving(cases[i].what, NULL, NULL);
        json_auto_t *root = strandline_json("report.json");
        const json_t *leaks = json_at(root, "cells.0.trials.0.leaks");
        assert_status(&result, 0);
        if (!json_is_null(json_at(leaks, cases[i].key))) { /* a kernel may not tell of timers */
            cr_assert_eq(json_number_at(leaks, cases[i].key), cases[i].count, "%s", cases[i].what);
            cr_assert(strstr(result.output, cases[i].line), "%s", result.output);
        }
        if (!cases[i].limit)
            continue;
        result = run_leaving(cases[i].what, cases[i].limit, "0");
        assert_status(&result, 1);
        cr_assert(strstr(result.output, "stayed after Close (limit 0)"), "%s", result.output);
    }
}

/* Processes of this name that live, whoever started them. */
static bool lives(long pid)
{
    char path[64], name[32] = "";
    (void) snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(name, sizeof name, file) != NULL;
    (void) fclose(file);
    return read && strcmp(name, "left-behind\n") == 0;
}

RUN_TEST(processes_that_a_subject_leaves_end_with_its_trial)
{
    static const char *const kinds[] = {"child", "orphan"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct command_result result = run_leaving(kinds[i], NULL, NULL);
        const char *pid = strstr(result.output, "pid ");
        cr_assert(pid, "%s", result.output);
        cr_assert_not(lives(strtol(pid + 4, NULL, 10)), "%s", kinds[i]);
    }
}

RUN_TEST(trials_of_a_cell_are_all_in_the_report)
{
    strandline_file("small.json", SMALL_SCENARIO("", ""));
    struct command_result result = strandline_run("run", "./small.json", "--transport", "memory",
                                                  "--trials", "3", "--output", "report.json", NULL);
    assert_status(&result, 0);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_array_size(json_at(root, "cells.0.trials")), 3);
    cr_assert_eq(json_array_size(json_at(root, "cells.1.trials")), 3);
}

RUN_TEST(a_mistake_in_a_scenario_is_refused_with_its_place)
{
    strandline_file("bad.json", "{\"load\": {\"events\": 10,\n  \"topcis\": 5}}\n");
    struct command_result result = strandline_run("run", "./bad.json", NULL);
    assert_status(&result, 2);
    cr_assert(strstr(result.errors, "bad.json:2:3"), "%s", result.errors);
    cr_assert(strstr(result.errors, "load.topcis"), "%s", result.errors);
    cr_assert_str_eq(result.output, "");
}

RUN_TEST(an_unknown_option_mode_or_fault_is_a_usage_error)
{
    static const char *const cases[][2] = {
        {"--nonsense", "1"}, {"--mode", "keyd"}, {"--trials", "0"}, {"--fault", "no-such-fault"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_result result =
            strandline_run("run", "low", "--transport", "memory", cases[i][0], cases[i][1], NULL);
        assert_status(&result, 2);
        cr_assert(strstr(result.errors, i ? cases[i][1] : cases[i][0]), "%s", result.errors);
    }
}

RUN_TEST(list_and_dry_run_play_nothing)
{
    struct command_result result = strandline_run("run", "--list", NULL);
    assert_status(&result, 0);
    cr_assert(strstr(result.output, "incident"), "%s", result.output);

    result = strandline_run("run", "incident", "--dry-run", NULL);
    assert_status(&result, 0);
    cr_assert(strstr(result.output, "pool-not-stopped"), "%s", result.output);
    cr_assert_neq(access("report.json", F_OK), 0);
}
