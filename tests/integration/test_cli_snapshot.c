/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline snapshot`: what a person and a tool get to see of a process. */
#include "sl_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "quiet.h"
#include "sl_subject.h"
#include "strandline.h"

#define SNAPSHOT_TEST(name)                                                                        \
    SL_TEST(cli_snapshot, name, .init = strandline_enter, .fini = strandline_leave)

static char *pid_text(pid_t pid)
{
    static char text[16];
    (void) snprintf(text, sizeof text, "%ld", (long) pid);
    return text;
}

static struct sl_test_subject start(const char *program, const char *first, const char *second)
{
    struct sl_test_subject subject = sl_subject(program, first, second);
    quiet_await(subject.pid);
    return subject;
}

/* Parse what a command printed as JSON, after the schema has found it valid. */
static json_t *valid_json(struct command_result *result)
{
    json_error_t error;

    cr_assert_eq(result->status, 0, "exit status %d: %s", result->status, result->errors);
    const char *const argv[] = {SL_TEST_SOURCE_ROOT "/scripts/validate-report",
                                strandline_file("snapshot.json", result->output), NULL};
    const struct command command = {.argv = argv};
    struct command_result check = command_run(&command);
    cr_assert(check.status == 0 || check.status == 77, "%s", check.errors);
    json_t *root = json_loads(result->output, 0, &error);
    cr_assert(root, "line %d: %s", error.line, error.text);
    return root;
}

static size_t count_function(const json_t *frames, const char *function)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(frames); i++) {
        const json_t *name = json_object_get(json_array_get(frames, i), "function");
        n += json_is_string(name) && strcmp(json_string_value(name), function) == 0;
    }
    return n;
}

SNAPSHOT_TEST(groups_have_exact_counts)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "500", "5");
    struct command_result result =
        strandline_run("snapshot", "--json", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&result);
    size_t depths_seen = 0;

    cr_assert_str_eq(json_text_at(root, "schema"), "strandline.snapshot/1");
    cr_assert_eq(json_number_at(root, "pid"), subject.pid);
    cr_assert_str_eq(json_text_at(root, "command"), "parked");
    cr_assert_eq(json_number_at(root, "stats.threads"), 501);
    cr_assert_eq(json_number_at(root, "stats.unwound") + json_number_at(root, "stats.memoised"),
                 501);
    cr_assert_eq(json_number_at(root, "stats.stopped"), 0);
    cr_assert_null(json_object_get(root, "threads"));
    const json_t *groups = json_at(root, "groups");
    cr_assert_eq(json_array_size(groups), 6);
    for (size_t i = 0; i < 5; i++) {
        const json_t *group = json_array_get(groups, i);
        cr_assert_eq(json_number_at(group, "count"), 100);
        cr_assert_str_eq(json_text_at(group, "wait.kind"), "condition");
        cr_assert_str_eq(json_text_at(group, "function"), "park");
        cr_assert_str_eq(json_text_at(group, "names.0"), "parked (100)");
        cr_assert(json_is_true(json_at(group, "complete")));
        const json_t *frames = json_at(group, "frames");
        cr_assert_eq(count_function(frames, "park"), 1);
        depths_seen |= 1u << count_function(frames, "level");
    }
    cr_assert_eq(depths_seen, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5);
    cr_assert_str_eq(json_text_at(root, "groups.5.wait.syscall"), "read");
}

static bool is_task(const char *directory, long tid)
{
    char path[128];
    (void) snprintf(path, sizeof path, "%s/%ld", directory, tid);
    return access(path, F_OK) == 0;
}

SNAPSHOT_TEST(all_threads_of_the_process_are_there)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "5000", "7");
    char directory[64];
    (void) snprintf(directory, sizeof directory, "/proc/%ld/task", (long) subject.pid);
    struct command_result result =
        strandline_run("snapshot", "--all", "--json", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&result);
    const json_t *threads = json_at(root, "threads");
    long last = 0;

    cr_assert_eq(json_array_size(threads), 5001);
    cr_assert_eq(json_array_size(json_at(root, "groups")), 8);
    for (size_t i = 0; i < 5001; i++) {
        const json_t *thread = json_array_get(threads, i);
        long tid = json_number_at(thread, "tid");
        cr_assert(tid > last && is_task(directory, tid), "thread %ld", tid);
        last = tid;
        cr_assert_str_eq(json_text_at(thread, "state"), "S");
        cr_assert_str_neq(json_text_at(thread, "source"), "none");
        cr_assert(json_is_true(json_at(thread, "complete")));
        cr_assert(json_is_null(json_at(thread, "reason")));
        cr_assert_eq(strncmp(json_text_at(thread, "frames.0.address"), "0x", 2), 0);
    }
}

SNAPSHOT_TEST(an_inlined_frame_has_the_address_of_the_next_that_is_not)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "3", NULL);
    struct command_result result =
        strandline_run("snapshot", "--all", "--json", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&result);
    const json_t *threads = json_at(root, "threads");

    for (size_t i = 0; i < json_array_size(threads); i++) {
        const json_t *frames = json_at(json_array_get(threads, i), "frames");
        cr_assert(
            json_is_false(json_at(json_array_get(frames, json_array_size(frames) - 1), "inlined")));
        for (size_t f = 0; f + 1 < json_array_size(frames); f++)
            if (json_is_true(json_at(json_array_get(frames, f), "inlined")))
                cr_assert_str_eq(json_text_at(json_array_get(frames, f), "address"),
                                 json_text_at(json_array_get(frames, f + 1), "address"));
    }
}

SNAPSHOT_TEST(threads_that_were_never_joined_are_counted_by_their_start)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("unjoined", NULL, NULL);
    struct command_result json = strandline_run("snapshot", "--json", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&json);

    cr_assert_eq(json_number_at(root, "unjoined.count"), 3);
    cr_assert(json_is_null(json_at(root, "unjoined.reason")));
    cr_assert_eq(json_array_size(json_at(root, "unjoined.groups")), 1);
    cr_assert_eq(json_number_at(root, "unjoined.groups.0.count"), 3);
    cr_assert_str_eq(json_text_at(root, "unjoined.groups.0.start.function"), "forgotten");
    cr_assert(strstr(json_text_at(root, "unjoined.groups.0.start.file"), "unjoined.c"));
    struct command_result text = strandline_run("snapshot", pid_text(subject.pid), NULL);
    cr_assert(strstr(text.output, "\n3 threads ended and were never joined, started with\n"
                                  "    3 @ forgotten  "),
              "%s", text.output);
}

SNAPSHOT_TEST(where_unjoined_threads_are_not_known_there_is_a_reason_and_no_number)
{
    if (access(SL_SUBJECTS_DIR "/blocked_calls_static", X_OK))
        cr_skip_test("no static C library");
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("blocked_calls_static", NULL, NULL);
    struct command_result json = strandline_run("snapshot", "--json", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&json);

    cr_assert(json_is_null(json_at(root, "unjoined.count")));
    cr_assert(strstr(json_text_at(root, "unjoined.reason"), "C library"));
    struct command_result text = strandline_run("snapshot", pid_text(subject.pid), NULL);
    cr_assert(strstr(text.output, "\nthreads that ended and were not joined are not known: "));
}

static size_t count_texts(const char *output, const char *text)
{
    size_t n = 0;
    for (const char *at = output; (at = strstr(at, text)); n++)
        at += strlen(text);
    return n;
}

SNAPSHOT_TEST(waits_name_the_owner_the_joined_thread_and_the_descriptor)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("blocked_calls", NULL, NULL);
    struct command_result result = strandline_run("snapshot", pid_text(subject.pid), NULL);
    char expected[64];
    const char *at = strstr(result.output, "[join of ");

    cr_assert_eq(result.status, 0, "%s", result.errors);
    cr_assert(at, "%s", result.output);
    long holder = strtol(at + strlen("[join of "), NULL, 10);
    (void) snprintf(expected, sizeof expected, "[join of %ld 'holder']", holder);
    cr_assert(strstr(result.output, expected), "no '%s' in %s", expected, result.output);
    (void) snprintf(expected, sizeof expected, "[mutex held by %ld 'holder']", holder);
    cr_assert(strstr(result.output, expected), "no '%s' in %s", expected, result.output);
    cr_assert(strstr(result.output, "[read on pipe:["));
    cr_assert(strstr(result.output, "[condition, with a time-out]"));
    cr_assert(strstr(result.output, "[semaphore]"));
    cr_assert(strstr(result.output, "[recvfrom on TCP 127.0.0.1:"));
}

SNAPSHOT_TEST(all_shows_threads_one_by_one)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "20", "2");
    struct command_result result = strandline_run("snapshot", "--all", pid_text(subject.pid), NULL);

    cr_assert_eq(result.status, 0, "%s", result.errors);
    cr_assert(strstr(result.output, "(parked): 21 threads in 3 groups\n"));
    cr_assert_eq(count_texts(result.output, "\nthread "), 21);
    cr_assert_eq(count_texts(result.output, "' [condition], state S, source "), 20);
    cr_assert_eq(count_texts(result.output, "    park  "), 20);
}

SNAPSHOT_TEST(threadz_has_a_stack_for_every_thread_and_the_memory_map)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "50", "5");
    struct command_result result =
        strandline_run("snapshot", "--threadz", pid_text(subject.pid), NULL);

    cr_assert_eq(result.status, 0, "%s", result.errors);
    cr_assert_eq(strncmp(result.output, "--- threadz 1 ---\n", 18), 0);
    cr_assert_eq(count_texts(result.output, "--- Thread "), 51);
    cr_assert_eq(count_texts(result.output, "  PC: 0x") +
                     count_texts(result.output, "[same as previous thread]"),
                 51);
    const char *maps = strstr(result.output, "\n--- Memory map: ---\n");
    cr_assert(maps && strstr(maps, "/parked\n") && strstr(maps, "[stack]"));
}

SNAPSHOT_TEST(without_symbols_there_are_addresses_and_modules)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "10", NULL);
    struct command_result result =
        strandline_run("snapshot", "--no-symbols", "--json", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&result);

    cr_assert_eq(json_number_at(root, "groups.0.count"), 10);
    cr_assert(json_is_null(json_at(root, "groups.0.frames.0.function")));
    cr_assert(strstr(json_text_at(root, "groups.0.frames.0.module"), "libc"));
}

SNAPSHOT_TEST(a_stack_that_is_cut_off_says_so)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "10", NULL);
    struct command_result result =
        strandline_run("snapshot", "--max-frames", "2", pid_text(subject.pid), NULL);

    cr_assert_eq(result.status, 0);
    cr_assert(strstr(result.output, "    stack not complete: "), "%s", result.output);
}

SNAPSHOT_TEST(a_process_whose_leader_has_ended_is_shown)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("leader_gone");
    struct command_result result = strandline_run("snapshot", pid_text(subject.pid), NULL);

    cr_assert_eq(result.status, 0, "%s", result.errors);
    cr_assert(strstr(result.output, "no stack: the thread has ended"), "%s", result.output);
    cr_assert(strstr(result.output, "survive "), "%s", result.output);
}

SNAPSHOT_TEST(a_thread_on_a_cpu_is_not_stopped_when_that_is_forbidden)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("spinner");
    struct command_result result =
        strandline_run("snapshot", "--no-stop", "--json", "--all", pid_text(subject.pid), NULL);
    json_auto_t *root = valid_json(&result);

    cr_assert_eq(json_number_at(root, "stats.stopped"), 0);
    cr_assert_eq(json_array_size(json_at(root, "threads")), 3);
}

SNAPSHOT_TEST(it_can_look_at_itself)
{
    struct command_result result = strandline_run("snapshot", "--json", "self", NULL);
    json_auto_t *root = valid_json(&result);

    cr_assert_str_eq(json_text_at(root, "command"), "strandline");
    cr_assert_geq(json_number_at(root, "stats.threads"), 1);
}

SNAPSHOT_TEST(the_id_of_a_thread_names_its_process)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "1", NULL);
    char directory[64], expected[64];
    const char *other = NULL;
    struct dirent *entry;

    (void) snprintf(directory, sizeof directory, "/proc/%ld/task", (long) subject.pid);
    DIR *tasks = opendir(directory);
    cr_assert(tasks);
    while ((entry = readdir(tasks)))
        if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != subject.pid)
            other = entry->d_name;
    cr_assert(other);
    struct command_result result = strandline_run("snapshot", other, NULL);
    (void) snprintf(expected, sizeof expected, "process %ld (parked): 2 threads",
                    (long) subject.pid);
    cr_assert_eq(strncmp(result.output, expected, strlen(expected)), 0, "%s", result.output);
    cr_assert(strstr(result.errors, "is a thread of process"));
    (void) closedir(tasks);
}

static void assert_refused(struct command_result result, int status, const char *text)
{
    cr_assert_eq(result.status, status, "exit status %d, not %d: %s", result.status, status,
                 result.errors);
    cr_assert(strstr(result.errors, text), "no '%s' in '%s'", text, result.errors);
    cr_assert_str_eq(result.output, "");
}

SNAPSHOT_TEST(wrong_use_is_told_from_a_process_that_cannot_be_looked_at)
{
    assert_refused(strandline_run("snapshot", NULL), 2, "one process id is needed, not 0");
    assert_refused(strandline_run("snapshot", "1", "2", NULL), 2, "not 2");
    assert_refused(strandline_run("snapshot", "me", NULL), 2, "'me' is not a number");
    assert_refused(strandline_run("snapshot", "0", NULL), 2, "'0' is not a number");
    assert_refused(strandline_run("snapshot", "--source", "magic", "1", NULL), 2, "'magic'");
    assert_refused(strandline_run("snapshot", "--max-frames", "0", "1", NULL), 2, "--max-frames");
    assert_refused(strandline_run("snapshot", "--max-time", "30", "1", NULL), 2, "--max-time");
    assert_refused(strandline_run("snapshot", "--max-memory", "0", "1", NULL), 2, "--max-memory");
    assert_refused(strandline_run("snapshot", "--max-threads", "0", "1", NULL), 2, "--max-threads");
    assert_refused(strandline_run("snapshot", "--json", "--threadz", "1", NULL), 2,
                   "one of --json and --threadz");
    assert_refused(strandline_run("snapshot", "--no-stop", "--allow-stop", "1", NULL), 2,
                   "--no-stop and --allow-stop");
    assert_refused(strandline_run("snapshot", "2147483647", NULL), 3, "no process 2147483647");
}

SNAPSHOT_TEST(a_dump_is_shown_in_place_of_a_process)
{
    const char *dump = strandline_file("dump", "goroutine profile: total 8\n7 @ 0xa 0xc 0xff\n"
                                               "#\t0xb\tmain.work+0x1\t/pool.go:84\n");
    struct command_result result = strandline_run("snapshot", "--goroutines", dump, NULL);

    cr_assert_eq(result.status, 0, "%s", result.errors);
    cr_assert(strstr(result.output, "goroutine profile, debug=1: 7 goroutines in 1 group\n"
                                    "1 place could not be read; line 4: the profile says 8"));
    cr_assert(strstr(result.output, "\n7 @ main.work [not known]\n"), "%s", result.output);
    assert_refused(strandline_run("snapshot", "--goroutines", dump, "1", NULL), 2, "one of");
    assert_refused(strandline_run("snapshot", "--goroutines", dump, "--prove", NULL), 2, "--prove");
    assert_refused(strandline_run("snapshot", "--goroutines", "none", NULL), 2,
                   "cannot open 'none'");
    assert_refused(
        strandline_run("snapshot", "--goroutines", strandline_file("log", "hello"), NULL), 2,
        "no goroutines are in it");
}

SNAPSHOT_TEST(a_zombie_has_ended)
{
    pid_t pid = fork();
    siginfo_t info;

    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(0);
    cr_assert_eq(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
    assert_refused(strandline_run("snapshot", pid_text(pid), NULL), 3, "has ended");
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* The value of a field of a thread's status; -1 when the thread is gone. */
static long task_status(pid_t pid, long tid, const char *field)
{
    char path[64], text[4096];

    (void) snprintf(path, sizeof path, "/proc/%ld/task/%ld/status", (long) pid, tid);
    if (!sl_file_read(path, text, sizeof text))
        return -1;
    const char *at = strstr(text, field);
    cr_assert(at, "%s", field);
    at += strlen(field);
    return *at == '\t' && at[1] >= 'A' ? at[1] : strtol(at, NULL, 10);
}

/* Ids of the threads of a process, ascending.  @return how many */
static size_t list_tasks(pid_t pid, long *tids, size_t capacity)
{
    char directory[64];
    struct dirent *entry;
    size_t n = 0;

    (void) snprintf(directory, sizeof directory, "/proc/%ld/task", (long) pid);
    DIR *tasks = opendir(directory);
    cr_assert(tasks);
    while ((entry = readdir(tasks)) && n < capacity)
        if (atol(entry->d_name) > 0)
            tids[n++] = atol(entry->d_name);
    (void) closedir(tasks);
    return n;
}

/* Snapshot by ptrace, ended by a signal while it holds a thread.  @return whether it did then */
static bool interrupt_snapshot(pid_t pid, int signal, const long *tids, size_t n)
{
    const char *const argv[] = {strandline_program(), "snapshot",    "--source", "ptrace",
                                "--allow-stop",       pid_text(pid), NULL};
    const struct command command = {.argv = argv};
    pid_t strandline = command_start(&command);
    bool traced = false;
    siginfo_t info = {0};

    while (!traced && !info.si_pid) { /* or it has ended by itself */
        traced = task_status(pid, tids[n - 1], "\nTracerPid:") > 0;
        cr_assert(waitid(P_PID, (id_t) strandline, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
    }
    (void) kill(strandline, signal);
    (void) command_wait(strandline, 60);
    return traced;
}

SNAPSHOT_TEST(an_end_in_the_middle_leaves_no_thread_stopped)
{
    static const int signals[] = {SIGKILL, SIGINT, SIGTERM};
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "500", "5");
    long tids[501];
    size_t n = list_tasks(subject.pid, tids, SL_COUNT_OF(tids)), n_held = 0;

    cr_assert_eq(n, 501);
    for (size_t i = 0; i < 12; i++) {
        n_held += interrupt_snapshot(subject.pid, signals[i % SL_COUNT_OF(signals)], tids, n);
        for (size_t t = 0; t < n; t++) {
            cr_assert_eq(task_status(subject.pid, tids[t], "\nTracerPid:"), 0);
            long state = task_status(subject.pid, tids[t], "\nState:");
            cr_assert(strchr("RS", (int) state), "%c", (int) state);
        }
    }
    cr_assert(n_held > 0, "no snapshot was caught in the act");
}

SNAPSHOT_TEST(a_process_of_another_user_is_refused)
{
    const char *const argv[] = {"setpriv",
                                "--reuid=65534",
                                "--clear-groups",
                                strandline_program(),
                                "snapshot",
                                pid_text(getpid()),
                                NULL};
    const struct command command = {.argv = argv};

    if (getuid() != 0 || access("/usr/bin/setpriv", X_OK))
        cr_skip_test("needs root and setpriv");
    struct command_result result = command_run(&command);
    if (result.status == 127)
        cr_skip_test("the program is not readable for others");
    cr_assert(strstr(result.errors, "CAP_SYS_PTRACE"), "%s", result.errors);
    assert_refused(result, 3, "Permission denied");
}

/* Libraries that read debug information end their process, one way or another. */
SNAPSHOT_TEST(limits_of_memory_end_in_a_look_or_in_one_sentence)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("a sanitizer takes more addresses than can be limited");
#endif
    SL_AUTO_SUBJECT struct sl_test_subject subject = start("parked", "3", NULL);
    const char *const argv[] = {strandline_program(), "snapshot", pid_text(subject.pid), NULL};
    bool looked = false;

    for (unsigned long mib = 20; mib <= 200; mib += mib < 80 ? 3 : 20) {
        const struct command command = {.argv = argv, .memory = mib << 20};
        struct command_result result = command_run(&command);
        const char *line = strchr(result.errors, '\n');
        /* 127: there was not even enough for the loader of programs. */
        cr_assert(result.status == 0 || result.status == 127 ||
                      (result.status == 3 && line && !line[1]),
                  "%lu MiB: exit status %d: %s", mib, result.status, result.errors);
        looked = result.status == 0;
    }
    cr_assert(looked);
}
