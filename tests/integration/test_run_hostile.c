/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run` with drivers that mean harm: nothing stays, what was there is told, lies are not
   believed. */
#include "sl_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "strandline.h"
#include "until.h"

#define PATIENCE_NS (20 * SL_NS_PER_S)

#define HOSTILE_TEST(name)                                                                         \
    SL_TEST(run_hostile, name, .init = strandline_enter, .fini = strandline_leave)

static const char scenario[] =
    "{\"load\": {\"events\": 50, \"topics\": 1, \"aggregates\": 5},\n"
    " \"limits\": {\"timeout\": \"20s\", \"settle\": \"200ms\", \"close_deadline\": \"2s\"},\n"
    " \"modes\": {\"direct\": {\"stack\": \"64KiB\"}},\n"
    " \"play\": [\"direct\"]}\n";

static void set_act(const char *what, const char *when)
{
    strandline_file("small.json", scenario);
    (void) setenv("HOSTILE", what, 1);
    (void) setenv("WHEN", when, 1);
    (void) setenv("MARK", strandline_directory(), 1); /* inherited by whatever is started */
}

static struct command_result play(const char *what, const char *when)
{
    set_act(what, when);
    return strandline_run("run", "./small.json", "--transport", "memory", "--mode", "direct",
                          "--driver", SL_SUBJECTS_DIR "/drivers/hostile.so", "--output",
                          "report.json", NULL);
}

static size_t read_proc(const char *pid, const char *name, char *ret_text, size_t size)
{
    char path[300];

    (void) snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);
    if (fd >= 0)
        (void) close(fd);
    ret_text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t) n : 0;
}

/* Living processes that our program or what it started is; with a name only those of that name. */
static size_t count_left(const char *name)
{
    static char environment[1 << 16];
    char mark[300], comm[32];
    size_t n = 0;

    int length = snprintf(mark, sizeof mark, "MARK=%s", strandline_directory()) + 1;
    DIR *proc = opendir("/proc");
    cr_assert(proc);
    for (const struct dirent *at; (at = readdir(proc));) {
        if (at->d_name[0] < '1' || at->d_name[0] > '9')
            continue;
        size_t size = read_proc(at->d_name, "environ", environment, sizeof environment);
        (void) read_proc(at->d_name, "comm", comm, sizeof comm);
        comm[strcspn(comm, "\n")] = '\0';
        n += memmem(environment, size, mark, (size_t) length) && (!name || !strcmp(comm, name));
    }
    (void) closedir(proc);
    return n;
}

/* The run itself had no trouble, tells of a process, and none is there any more. */
static void assert_told_and_ended(const char *what, const char *when, int status)
{
    struct command_result result = play(what, when);
    json_auto_t *root = strandline_json("report.json");

    cr_assert_eq(count_left(NULL), 0, "%s", what);
    cr_assert_eq(result.status, status, "%s: exit status %d\n%s", what, result.status,
                 result.output);
    cr_assert_geq(json_number_at(root, "cells.0.trials.0.leaks.processes"), 1, "%s", what);
    cr_assert(strstr(result.output, "'left-behind', pid "), "%s: %s", what, result.output);
}

HOSTILE_TEST(processes_are_told_and_ended_however_they_were_made)
{
    static const char *const kinds[] = {"fork", "daemon",  "shared-memory", "sibling", "user",
                                        "deaf", "stopped", "adopted",       "chain",   "breeders"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_told_and_ended(kinds[i], "close", 0);
    assert_told_and_ended("vfork", "close", 1); /* the thread that waits for it is a leak */
}

HOSTILE_TEST(processes_are_told_and_ended_whenever_they_were_made)
{
    static const char *const moments[] = {"load", "destroy", "teardown"};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
        assert_told_and_ended("daemon", moments[i], 0);
}

HOSTILE_TEST(a_thread_that_destroy_or_teardown_makes_is_told)
{
    static const char *const moments[] = {"destroy", "teardown"};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct command_result result = play("thread", moments[i]);
        json_auto_t *root = strandline_json("report.json");
        cr_assert_eq(result.status, 0, "%s: %s", moments[i], result.output);
        cr_assert_eq(json_number_at(root, "cells.0.trials.0.leaks.threads_made_later"), 1);
        cr_assert(strstr(result.output, "1 thread that was made after Close outlived destroy and "
                                        "teardown: 'left-behind'"),
                  "%s", result.output);
    }
}

HOSTILE_TEST(a_subject_that_is_traced_by_its_child_ends)
{
    (void) play("tracer", "close");
    cr_assert_eq(count_left(NULL), 0);
}

HOSTILE_TEST(a_subject_that_breaks_its_own_means_fails_its_trial)
{
    static const char *const kinds[] = {"close-all", "cover-all", "exit", "exit-at-once", "abort"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct command_result result = play(kinds[i], "close");
        json_auto_t *root = strandline_json("report.json");
        cr_assert_eq(count_left(NULL), 0, "%s", kinds[i]);
        cr_assert_eq(result.status, 3, "%s: exit status %d\n%s", kinds[i], result.status,
                     result.output);
        cr_assert_str_neq(json_text_at(root, "cells.0.trials.0.status"), "ok", "%s", kinds[i]);
    }
}

HOSTILE_TEST(a_guard_that_is_killed_fails_the_trial_and_leaves_nothing)
{
    struct command_result result = play("kill-guard", "close");
    cr_assert_eq(count_left(NULL), 0);
    cr_assert_eq(result.status, 3, "%s", result.output);
    cr_assert(strstr(result.output, "lost its guard, which was ended by signal 9"), "%s",
              result.output);
}

HOSTILE_TEST(a_guard_that_is_stopped_or_asked_to_end_does_its_work)
{
    assert_told_and_ended("stop-guard", "close", 0);
    struct command_result result = play("ask-guard", "close");
    cr_assert_eq(count_left(NULL), 0);
    cr_assert_eq(result.status, 0, "%s", result.output);
}

HOSTILE_TEST(what_a_guard_is_kept_from_seeing_is_told_and_ended)
{
    assert_told_and_ended("blind-guard", "close", 0);
    assert_told_and_ended("blind-guard", "teardown", 0);
}

HOSTILE_TEST(nothing_outlives_an_observer_that_is_killed)
{
    set_act("hang", "close");
    const char *argv[] = {strandline_program(),
                          "run",
                          "./small.json",
                          "--transport",
                          "memory",
                          "--mode",
                          "direct",
                          "--driver",
                          SL_SUBJECTS_DIR "/drivers/hostile.so",
                          "--output",
                          "r.json",
                          NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    pid_t pid = command_start(&command);
    cr_assert(sl_test_until(count_left("left-behind") > 0, PATIENCE_NS));
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(command_wait(pid, 10), 128 + SIGKILL);
    cr_assert(sl_test_until(count_left(NULL) == 0, PATIENCE_NS));
}

HOSTILE_TEST(output_without_an_end_is_counted_and_not_kept)
{
    struct command_result result = play("flood", "close");
    cr_assert_eq(result.status, 3, "%s", result.output);
    cr_assert(strstr(result.errors, " more bytes, not shown)"), "%s", result.errors);
}

HOSTILE_TEST(records_that_a_driver_forges_fail_its_trial_with_what_was_wrong)
{
    static const struct {
        const char *what, *reason;
    } cases[] = {
        {"forge-start", "announced phase start, which was not its next"},
        {"forge-rest", "went on after closed before it was allowed to"},
        {"forge-past", "before it was allowed to begin"},
        {"forge-future", "will reach phase closed in "},
        {"forge-text", "told of a failure in words that do not exist"},
        {"forge-size", "sent a record of type 'phase' of 5 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_result result = play(cases[i].what, "close");
        json_auto_t *root = strandline_json("report.json");
        const char *reason = json_text_at(root, "cells.0.trials.0.reason");
        cr_assert_eq(result.status, 3, "%s: %s", cases[i].what, result.output);
        cr_assert(strstr(reason, cases[i].reason), "%s: %s", cases[i].what, reason);
        cr_assert(json_is_null(json_at(root, "cells.0.trials.0.leaks.count")), "no number is left");
        cr_assert_eq(count_left(NULL), 0, "%s", cases[i].what);
    }
}

HOSTILE_TEST(a_stack_that_is_limited_for_others_is_enough)
{
    strandline_file("small.json", scenario);
    const char *argv[] = {"sh", "-c",
                          "ulimit -S -s 96 && exec \"$0\" run ./small.json --transport memory "
                          "--mode direct --driver " EXAMPLE_DRIVER " --output report.json",
                          strandline_program(), NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    struct command_result result = command_run(&command);
    cr_assert_eq(result.status, 0, "exit status %d\n%s\n%s", result.status, result.output,
                 result.errors);
}
