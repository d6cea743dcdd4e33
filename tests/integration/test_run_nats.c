/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run` over a real nats-server, and what it leaves behind however it ends. */
#include "sl_test.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/server/server.h"
#include "stop.h"
#include "strandline.h"
#include "until.h"

#define LIMIT_NS (60 * SL_NS_PER_S)

static void enter(void)
{
    strandline_enter();
    /* Store directories of private servers go here, so that what stays can be seen. */
    (void) setenv("TMPDIR", strandline_directory(), 1);
}

static void leave(void)
{
    strandline_leave();
}

#define NATS_TEST(name) SL_TEST(run_nats, name, .init = enter, .fini = leave)

static void need_server(void)
{
    if (system("command -v nats-server >/dev/null || test -x /usr/sbin/nats-server") != 0) {
        strandline_leave(); /* a test that is skipped has no .fini */
        cr_skip_test("nats-server is not installed");
    }
}

/* 40 s of load, so that something can happen in the middle. */
static const char slow_scenario[] =
    "{\"load\": {\"events\": 4000, \"rate\": 100, \"publishers\": 2, \"topics\": 2,\n"
    "           \"aggregates\": 10},\n"
    " \"limits\": {\"timeout\": \"60s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";

static const char quick_scenario[] =
    "{\"load\": {\"events\": 200, \"topics\": 2, \"aggregates\": 10},\n"
    " \"limits\": {\"timeout\": \"20s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";

/* 5 s of load on a cluster, about as long as the election of another leader takes. */
static const char cluster_scenario[] =
    "{\"load\": {\"events\": 1000, \"rate\": 200, \"publishers\": 2, \"topics\": 2,\n"
    "           \"aggregates\": 10},\n"
    " \"limits\": {\"timeout\": \"60s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";

struct found {
    pid_t server, subject; /* of several servers one */
};

/* Command line of a process with spaces between the words; false when it is gone. */
static bool read_command_line(const char *pid, char *ret_text, size_t size)
{
    char path[300];
    (void) snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n = fread(ret_text, 1, size - 1, file);
    (void) fclose(file);
    for (size_t i = 0; i < n; i++)
        if (!ret_text[i])
            ret_text[i] = ' ';
    ret_text[n] = '\0';
    return n > 0;
}

static pid_t parent_of(pid_t pid)
{
    char path[64], state;
    int parent = 0;
    (void) snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) != 2 || state == 'Z')
        parent = 0;
    (void) fclose(file);
    return parent;
}

static bool runs_in_our_directory(const char *pid)
{
    char path[300], target[4096];

    (void) snprintf(path, sizeof path, "/proc/%s/cwd", pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return strncmp(target, strandline_directory(), strlen(strandline_directory())) == 0;
}

/* The server whose store lies in our directory, and the subject whose guard is a child of
 * `observer`. */
static struct found look_around(pid_t observer)
{
    struct found found = {0};
    char line[4096];
    DIR *proc = opendir("/proc");

    cr_assert(proc);
    for (const struct dirent *entry; (entry = readdir(proc));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !read_command_line(entry->d_name, line, sizeof line) || !parent_of(atoi(entry->d_name)))
            continue;
        if (strstr(line, "nats-server") && runs_in_our_directory(entry->d_name))
            found.server = atoi(entry->d_name);
        if (strncmp(line, "strandline: ", 12) == 0 && strstr(line, " subject ") &&
            parent_of(parent_of(atoi(entry->d_name))) == observer)
            found.subject = atoi(entry->d_name);
    }
    (void) closedir(proc);
    return found;
}

/* Has the subject threads that publish?  Before them it may still open the bus or subscribe. */
static bool is_loading(pid_t subject)
{
    char path[300], name[64] = "";
    bool found = false;

    (void) snprintf(path, sizeof path, "/proc/%d/task", subject);
    DIR *tasks = subject ? opendir(path) : NULL;
    if (!tasks)
        return false;
    for (const struct dirent *entry; !found && (entry = readdir(tasks));) {
        char comm[600];
        (void) snprintf(comm, sizeof comm, "%s/%s/comm", path, entry->d_name);
        FILE *file = fopen(comm, "r");
        found = file && fgets(name, sizeof name, file) && strncmp(name, "publisher-", 10) == 0;
        if (file)
            (void) fclose(file);
    }
    (void) closedir(tasks);
    return found;
}

static struct found wait_until_loading(pid_t observer)
{
    struct found found = {0};

    cr_assert(
        sl_test_until((found = look_around(observer), found.server) && is_loading(found.subject),
                      LIMIT_NS),
        "no load within a minute");
    return found;
}

/* Store directories of servers in our directory. */
static size_t n_store_directories(void)
{
    size_t n = 0;
    DIR *here = opendir(strandline_directory());

    cr_assert(here);
    for (const struct dirent *entry; (entry = readdir(here));)
        n += entry->d_type == DT_DIR && entry->d_name[0] != '.';
    (void) closedir(here);
    return n;
}

/* The living processes of a run, which have our directory as their TMPDIR.  No pid is
   remembered: on a machine with thousands of threads it is soon somebody else's. */
static size_t n_processes(void)
{
    char mark[PATH_MAX + 16], path[300], *environment = NULL;
    size_t n = 0, capacity = 0;
    DIR *proc = opendir("/proc");

    cr_assert(proc);
    (void) snprintf(mark, sizeof mark, "TMPDIR=%s", strandline_directory());
    for (const struct dirent *entry; (entry = readdir(proc));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        (void) snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        FILE *file = fopen(path, "r");
        bool found = false;
        while (file && !found && getdelim(&environment, &capacity, '\0', file) > 0)
            found = strcmp(environment, mark) == 0;
        if (file)
            (void) fclose(file);
        n += found;
    }
    free(environment);
    (void) closedir(proc);
    return n;
}

static void assert_nothing_is_left(void)
{
    cr_assert(sl_test_until(!n_processes() && !n_store_directories(), LIMIT_NS),
              "left: %zu processes, %zu directories", n_processes(), n_store_directories());
}

/* Two trials, on a private server when `servers` is NULL. */
static pid_t start_run(const char *scenario, const char *servers)
{
    const char *const argv[] = {strandline_program(),
                                "run",
                                "./slow.json",
                                "--trials",
                                "2",
                                "--output",
                                "report.json",
                                servers ? "--server" : NULL,
                                servers,
                                NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};

    strandline_file("slow.json", scenario);
    return command_start(&command);
}

/* Two trials in a cluster, to be ended in the middle or not. */
static pid_t start_cluster_run(void)
{
    const char *const argv[] = {strandline_program(), "run", "./cluster.json", "--cluster",   "3",
                                "--trials",           "2",   "--output",       "report.json", NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};

    strandline_file("cluster.json", cluster_scenario);
    return command_start(&command);
}

static pid_t start_slow_run(void)
{
    return start_run(slow_scenario, NULL);
}

static struct found wait_until_next_loads(pid_t observer, struct found first)
{
    struct found next;
    do
        next = wait_until_loading(observer);
    while (next.subject == first.subject);
    return next;
}

NATS_TEST(six_cells_on_a_real_server_lose_nothing_and_leak_nothing)
{
    need_server();
    struct command_result result =
        strandline_run("run", "low", "medium", "--trials", "1", "--output", "report.json", NULL);
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_array_size(json_at(root, "cells")), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *cell = json_array_get(json_at(root, "cells"), i);
        cr_assert_str_eq(json_text_at(cell, "key.transport"), "nats");
        cr_assert_eq(json_number_at(cell, "trials.0.leaks.count"), 0);
        cr_assert_eq(json_number_at(cell, "trials.0.delivery.lost"), 0);
        cr_assert_eq(json_number_at(cell, "trials.0.delivery.order_violations"), 0);
        cr_assert_gt(json_number_at(cell, "trials.0.leaks.resident"), 0,
                     "the client library keeps threads until teardown");
    }
    cr_assert_eq(n_store_directories(), 0);
}

NATS_TEST(the_incident_leaks_5125_0_0_and_325_threads)
{
    need_server();
    static const long expected[] = {5125, 0, 0, 325};
    struct command_result result =
        strandline_run("run", "incident", "--output", "incident.json", NULL);
    cr_assert_eq(result.status, 1, "%s\n%s", result.output, result.errors);
    json_auto_t *root = strandline_json("incident.json");
    cr_assert_eq(json_array_size(json_at(root, "cells")), 4);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(
            json_number_at(json_array_get(json_at(root, "cells"), i), "trials.0.leaks.count"),
            expected[i]);
}

NATS_TEST(a_skipped_close_is_recognised_by_the_read_loop)
{
    need_server();
    strandline_file("quick.json", quick_scenario);
    struct command_result result = strandline_run("run", "./quick.json", "--fault", "close-skipped",
                                                  "--output", "report.json", NULL);
    cr_assert_eq(result.status, 1, "%s\n%s", result.output, result.errors);
    json_auto_t *root = strandline_json("report.json");
    const json_t *groups = json_at(root, "cells.0.trials.0.leaks.groups");
    cr_assert_gt(json_array_size(groups), 0);
    for (size_t i = 0; i < json_array_size(groups); i++)
        cr_assert_str_eq(json_text_at(json_array_get(groups, i), "cause"), "not-closed");
}

NATS_TEST(a_server_that_refuses_is_exit_3)
{
    strandline_file("quick.json", quick_scenario);
    struct command_result result =
        strandline_run("run", "./quick.json", "--server", "nats://127.0.0.1:1", NULL);
    cr_assert_eq(result.status, 3, "%s", result.errors);
    cr_assert(strstr(result.errors, "127.0.0.1:1"), "%s", result.errors);
}

NATS_TEST(a_server_program_that_cannot_be_run_is_exit_3)
{
    strandline_file("quick.json", quick_scenario);
    struct command_result result =
        strandline_run("run", "./quick.json", "--nats-server", "/nonexistent/nats-server", NULL);
    cr_assert_eq(result.status, 3, "%s", result.errors);
    cr_assert(strstr(result.errors, "/nonexistent/nats-server"), "%s", result.errors);
}

NATS_TEST(a_killed_server_fails_its_trial_and_the_next_trial_runs)
{
    need_server();
    pid_t observer = start_slow_run();
    struct found first = wait_until_loading(observer);
    (void) kill(first.server, SIGKILL);
    struct found second = wait_until_next_loads(observer, first);
    cr_assert_neq(second.server, first.server, "a new server was started");
    (void) kill(second.server, SIGKILL);
    cr_assert_eq(command_wait(observer, 60), 3);

    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_array_size(json_at(root, "cells.0.trials")), 2);
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "failed");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "nats-server"));
    cr_assert_gt(json_array_size(json_at(root, "cells.0.trials.0.hang_groups")), 0);
    assert_nothing_is_left();
}

NATS_TEST(a_subject_that_crashes_is_named_by_its_signal_and_the_next_trial_runs)
{
    need_server();
    pid_t observer = start_slow_run();
    struct found first = wait_until_loading(observer);
    (void) kill(first.subject, SIGABRT); /* a SIGSEGV would be AddressSanitizer's */
    struct found second = wait_until_next_loads(observer, first);
    (void) kill(second.subject, SIGKILL);
    cr_assert_eq(command_wait(observer, 60), 3);

    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "crashed");
    cr_assert_eq(json_number_at(root, "cells.0.trials.0.signal"), SIGABRT);
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.1.status"), "crashed");
    cr_assert_eq(json_number_at(root, "cells.0.trials.1.signal"), SIGKILL);
    assert_nothing_is_left();
}

NATS_TEST(a_server_that_stops_answering_fails_its_trial_and_is_replaced)
{
    need_server();
    static const char scenario[] =
        "{\"load\": {\"events\": 200, \"rate\": 100, \"publishers\": 2, \"topics\": 2,\n"
        "           \"aggregates\": 10},\n"
        " \"limits\": {\"timeout\": \"4s\", \"settle\": \"500ms\", \"close_deadline\": \"1s\"},\n"
        " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";
    pid_t observer = start_run(scenario, NULL);
    struct found first = wait_until_loading(observer);
    cr_assert(sl_test_stop(first.server));
    struct found second = wait_until_next_loads(observer, first);
    cr_assert_neq(second.server, first.server, "the one that does not answer is still used");
    cr_assert_neq(command_wait(observer, 60), 0);

    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_neq(json_text_at(root, "cells.0.trials.0.status"), "ok");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.1.status"), "ok");
    assert_nothing_is_left();
}

/* Streams that a server keeps in files. */
static size_t n_streams(const struct sl_server *server)
{
    char path[4200];
    size_t n = 0;

    (void) snprintf(path, sizeof path, "%s/n1/store/jetstream/BUS/streams",
                    sl_server_directory(server));
    DIR *streams = opendir(path);
    for (const struct dirent *entry; streams && (entry = readdir(streams));)
        n += entry->d_name[0] != '.';
    if (streams)
        (void) closedir(streams);
    return n;
}

NATS_TEST(an_interrupt_leaves_no_stream_on_a_server_of_somebody_else)
{
    need_server();
    static const char scenario[] =
        "{\"load\": {\"events\": 4000, \"rate\": 100, \"publishers\": 2, \"storage\": \"file\"},\n"
        " \"limits\": {\"timeout\": \"60s\"},\n"
        " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";
    SL_AUTO(sl_server) struct sl_server *server = NULL;
    struct sl_error err = {0};

    sl_assert_ok(sl_server_start(NULL, &server, &err), &err);
    pid_t observer = start_run(scenario, sl_server_url(server));
    (void) wait_until_loading(observer);
    cr_assert_gt(n_streams(server), 0, "this test looks for streams in the wrong place");
    (void) kill(observer, SIGINT);
    cr_assert_eq(command_wait(observer, 60), 3);
    cr_assert(sl_test_until(n_streams(server) == 0, LIMIT_NS), "%zu streams stay",
              n_streams(server));
}

NATS_TEST(a_killed_node_of_a_cluster_fails_no_trial)
{
    need_server();
    pid_t observer = start_cluster_run();
    struct found found = wait_until_loading(observer);
    (void) kill(found.server, SIGKILL);
    int status = command_wait(observer, 120);
    assert_nothing_is_left();

    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_number_at(root, "environment.nats_servers"), 3);
    cr_assert_eq(json_number_at(root, "cells.0.config.replicas"), 3);
    cr_assert_eq(json_array_size(json_at(root, "cells.0.trials")), 2);
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "ok");
    const json_t *delivery = json_at(root, "cells.0.trials.0.delivery");
    cr_assert_eq(json_number_at(delivery, "lost"), 0);
    cr_assert_eq(json_number_at(delivery, "order_violations"), 0);
    /* How many get an answer is chance: another leader is elected meanwhile. */
    cr_assert_eq(status, json_number_at(delivery, "published") < 500 ? 4 : 0);
    cr_assert_eq(json_number_at(root, "cells.0.trials.1.delivery.handled"), 1000,
                 "all nodes are back");
}

static void interrupt_leaves_nothing(pid_t (*start)(void), int signal_number, bool expects_report)
{
    need_server();
    pid_t observer = start();
    (void) wait_until_loading(observer);
    cr_assert_geq(n_processes(), 4, "observer, keeper, server and subject");
    (void) kill(observer, signal_number);
    int status = command_wait(observer, 60);
    assert_nothing_is_left();
    if (expects_report) {
        cr_assert_eq(status, 3);
        json_auto_t *root = strandline_json("report.json");
        cr_assert(json_is_true(json_at(root, "run.interrupted")));
    }
}

NATS_TEST(an_interrupt_leaves_nothing_behind_and_a_report)
{
    interrupt_leaves_nothing(start_slow_run, SIGINT, true);
}

NATS_TEST(a_termination_leaves_nothing_behind_and_a_report)
{
    interrupt_leaves_nothing(start_slow_run, SIGTERM, true);
}

NATS_TEST(a_kill_of_the_observer_leaves_nothing_behind)
{
    interrupt_leaves_nothing(start_slow_run, SIGKILL, false);
}

NATS_TEST(a_kill_of_the_observer_of_a_cluster_leaves_nothing_behind)
{
    interrupt_leaves_nothing(start_cluster_run, SIGKILL, false);
}
