/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that agents share: several processes on one machine, over a server or a cluster that the
 * test starts.
 */
#include "sl_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/agent/peer.h"
#include "harness/run/server.h"
#include "strandline.h"

#define LIMIT_NS   (60 * SL_NS_PER_S)
#define MAX_AGENTS 4

/* 40 s of load, so that something can happen in the middle. */
static const char slow_scenario[] =
    "{\"load\": {\"events\": 4000, \"rate\": 100, \"topics\": 4, \"aggregates\": 20},\n"
    " \"limits\": {\"timeout\": \"60s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";

static const char quick_scenario[] =
    "{\"load\": {\"events\": 400, \"topics\": 4, \"aggregates\": 20},\n"
    " \"limits\": {\"timeout\": \"20s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n";

static struct sl_server *server;
static pid_t agents[MAX_AGENTS];
static size_t n_agents;

static void enter(void)
{
    strandline_enter();
    /* Store directories of private servers go here. */
    (void) setenv("TMPDIR", strandline_directory(), 1);
    strandline_file("slow.json", slow_scenario);
    strandline_file("quick.json", quick_scenario);
}

static void leave(void)
{
    for (size_t i = 0; i < n_agents; i++)
        if (agents[i])
            (void) kill(agents[i], SIGKILL);
    sl_server_stop(server);
    strandline_leave();
}

#define AGENT_TEST(name) SL_TEST(agent, name, .init = enter, .fini = leave)

static void start_server(unsigned nodes)
{
    const struct sl_server_opts opts = {.nodes = nodes};
    struct sl_error err = {0};

    if (system("command -v nats-server >/dev/null || test -x /usr/sbin/nats-server") != 0) {
        strandline_leave(); /* a test that is skipped has no .fini */
        cr_skip_test("nats-server is not installed");
    }
    sl_assert_ok(sl_server_start(&opts, &server, &err), &err);
}

/* The one that ends first must not be asked to end again: its id may be another process's. */
static int end_agent(size_t number, int signal_number)
{
    pid_t pid = agents[number];

    agents[number] = 0;
    if (signal_number)
        (void) kill(pid, signal_number);
    return command_wait(pid, 30);
}

/* @return its number; what it says goes to the file NAME.log */
static size_t
start_agent_by(const char *prefix, const char *name, const char *role, const char *option)
{
    char script[256];
    const char *const argv[] = {"sh",       "-c",
                                script,     strandline_program(),
                                "--server", sl_server_url(server),
                                "--name",   name,
                                "--role",   role,
                                option,     NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};

    cr_assert_lt(n_agents, MAX_AGENTS);
    (void) snprintf(script, sizeof script, "exec %s\"$0\" agent \"$@\" 2>%s.log", prefix, name);
    agents[n_agents] = command_start(&command);
    return n_agents++;
}

static size_t start_agent(const char *name, const char *role, const char *option)
{
    return start_agent_by("", name, role, option);
}

static struct command_result run_shared(const char *scenario, const char *wanted)
{
    return strandline_run("run", scenario, "--server", sl_server_url(server), "--agents", wanted,
                          "--trials", "1", "--output", "report.json", NULL);
}

static pid_t start_shared(const char *scenario, const char *wanted, const char *report)
{
    const char *const argv[] = {strandline_program(),
                                "run",
                                scenario,
                                "--server",
                                sl_server_url(server),
                                "--agents",
                                wanted,
                                "--agents-wait",
                                "2s",
                                "--trials",
                                "2",
                                "--output",
                                report,
                                NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    return command_start(&command);
}

static bool read_proc(const char *pid, const char *name, char *ret_text, size_t size)
{
    char path[300];

    (void) snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ret_text, size - 1) : -1;
    if (fd >= 0)
        (void) close(fd);
    ret_text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The subject that a process has now; 0: none. */
static pid_t subject_of(pid_t parent)
{
    char stat[512], line[4096];
    pid_t found = 0;
    DIR *proc = opendir("/proc");

    cr_assert(proc);
    for (const struct dirent *entry; !found && (entry = readdir(proc));) {
        int its_parent = 0;
        char state = 'Z';
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !read_proc(entry->d_name, "stat", stat, sizeof stat) || !strrchr(stat, ')') ||
            sscanf(strrchr(stat, ')'), ") %c %d", &state, &its_parent) != 2 || state == 'Z' ||
            its_parent != parent || !read_proc(entry->d_name, "cmdline", line, sizeof line))
            continue;
        if (strcmp(line + strlen(line) + 1, "subject") == 0)
            found = atoi(entry->d_name);
    }
    (void) closedir(proc);
    return found;
}

static size_t n_threads(pid_t pid)
{
    char name[16], text[4096];

    (void) snprintf(name, sizeof name, "%d", pid);
    if (!pid || !read_proc(name, "status", text, sizeof text) || !strstr(text, "Threads:"))
        return 0;
    return (size_t) atoi(strstr(text, "Threads:") + strlen("Threads:"));
}

/* Wait until a process has a subject whose bus is open, other than `not_this`. */
static pid_t wait_until_playing(pid_t parent, pid_t not_this)
{
    uint64_t deadline = sl_clock_now_ns() + LIMIT_NS;
    pid_t subject = 0;

    do {
        cr_assert_lt(sl_clock_now_ns(), deadline, "no subject within a minute");
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
        subject = subject_of(parent);
    } while (!subject || subject == not_this || n_threads(subject) < 5);
    return subject;
}

static void wait_until_gone(pid_t subject)
{
    uint64_t deadline = sl_clock_now_ns() + LIMIT_NS;

    while (kill(subject, 0) == 0) {
        cr_assert_lt(sl_clock_now_ns(), deadline, "subject %d stays", subject);
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    }
}

/* Wait until an agent has said something. */
static void wait_until_said(const char *name, const char *text)
{
    uint64_t deadline = sl_clock_now_ns() + LIMIT_NS;
    char path[PATH_MAX + 64], said[8192];

    (void) snprintf(path, sizeof path, "%s/%s.log", strandline_directory(), name);
    for (;;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, said, sizeof said - 1) : -1;
        if (fd >= 0)
            (void) close(fd);
        said[n > 0 ? n : 0] = '\0';
        if (strstr(said, text))
            return;
        cr_assert_lt(sl_clock_now_ns(), deadline, "agent '%s' never says '%s', but: %s", name, text,
                     said);
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    }
}

static void assert_valid(const char *report)
{
    char command[2 * PATH_MAX + 128];

    (void) snprintf(command, sizeof command, "'%s/scripts/validate-report' '%s/%s'",
                    SL_TEST_SOURCE_ROOT, strandline_directory(), report);
    int status = system(command);
    cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77),
              "%s is not valid", report);
}

/* Nothing lost, nothing out of order, one sample for each message of each kind. */
static void assert_whole(const json_t *trial, long n_events)
{
    cr_assert_str_eq(json_text_at(trial, "status"), "ok");
    cr_assert_eq(json_number_at(trial, "delivery.published"), n_events);
    cr_assert_eq(json_number_at(trial, "delivery.handled"), n_events);
    cr_assert_eq(json_number_at(trial, "delivery.lost"), 0);
    cr_assert_eq(json_number_at(trial, "delivery.order_violations"), 0);
    cr_assert_eq(json_number_at(trial, "latency.publish.count"), n_events);
    cr_assert_eq(json_number_at(trial, "latency.end_to_end.count"), n_events);
    cr_assert_eq(json_number_at(trial, "leaks.count"), 0);
}

static long sum_over_agents(const json_t *trial, const char *role, const char *key)
{
    const json_t *list = json_at(trial, "agents");
    long sum = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_text_at(json_array_get(list, i), "role"), role) == 0)
            sum += json_number_at(json_array_get(list, i), key);
    return sum;
}

AGENT_TEST(two_loads_and_a_consumer_share_a_run_on_a_cluster)
{
    start_server(3);
    (void) start_agent("east", "load", NULL);
    (void) start_agent("west", "load", NULL);
    (void) start_agent("south", "consume", NULL);
    struct command_result result = run_shared("low", "load=2,consume=1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    cr_assert(strstr(result.output, "shared by agents "), "%s", result.output);
    assert_valid("report.json");

    json_t *root = strandline_json("report.json");
    cr_assert_eq(json_array_size(json_at(root, "cells")), 2);
    cr_assert_eq(json_number_at(root, "environment.nats_servers"), 3);
    for (size_t i = 0; i < 2; i++) {
        const json_t *cell = json_array_get(json_at(root, "cells"), i);
        const json_t *trial = json_at(cell, "trials.0");
        long handled = sum_over_agents(trial, "consume", "handled");
        assert_whole(trial, 500);
        cr_assert_eq(json_number_at(cell, "config.publishers"), 2);
        cr_assert_eq(json_array_size(json_at(trial, "agents")), 3);
        cr_assert_eq(sum_over_agents(trial, "load", "published"), 500);
        cr_assert_eq(sum_over_agents(trial, "load", "publish_samples"), 500);
        cr_assert_eq(sum_over_agents(trial, "consume", "end_to_end_samples"), handled);
        cr_assert(handled > 0 && handled < 500, "the local subject consumes as well");
    }
    json_decref(root);
    command_result_release(&result);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(end_agent(i, SIGTERM), 0);
}

AGENT_TEST(agents_that_may_choose_publish_and_one_that_came_once_ends)
{
    start_server(1);
    (void) start_agent("one", "any", "--once");
    struct command_result result = run_shared("./quick.json", "1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    json_t *root = strandline_json("report.json");
    assert_whole(json_at(root, "cells.0.trials.0"), 400);
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.agents.0.role"), "load");
    json_decref(root);
    command_result_release(&result);
    cr_assert_eq(end_agent(0, 0), 0);
}

AGENT_TEST(agents_that_do_not_come_are_exit_3_and_counted)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    struct command_result result =
        strandline_run("run", "./quick.json", "--server", sl_server_url(server), "--agents",
                       "load=2,consume=1", "--agents-wait", "1s", NULL);
    cr_assert_eq(result.status, 3);
    cr_assert(strstr(result.errors, "2 of 3 agents are missing (1 load, 1 consume); there are "
                                    "'east' on "),
              "%s", result.errors);
    command_result_release(&result);
    cr_assert_eq(end_agent(0, SIGINT), 0);
}

AGENT_TEST(more_consumers_than_topics_fail_the_trial_with_a_reason)
{
    start_server(1);
    strandline_file("one.json", "{\"load\": {\"events\": 100, \"topics\": 1, \"aggregates\": 4},\n"
                                " \"limits\": {\"timeout\": \"5s\", \"settle\": \"500ms\"},\n"
                                " \"modes\": {\"unified\": {\"workers\": 2}},\n"
                                " \"play\": [\"unified\"]}\n");
    (void) start_agent("east", "load", NULL);
    (void) start_agent("south", "consume", NULL);
    struct command_result result = run_shared("./one.json", "2");
    cr_assert_eq(result.status, 3, "%s", result.errors);
    json_t *root = strandline_json("report.json");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "more than the 1 topics"), "%s",
              json_text_at(root, "cells.0.trials.0.reason"));
    json_decref(root);
    command_result_release(&result);
}

AGENT_TEST(an_agent_that_is_killed_fails_its_trial_and_takes_its_subject_along)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    (void) start_agent("west", "load", NULL);
    pid_t observer = start_shared("./slow.json", "load=2", "report.json");
    pid_t subject = wait_until_playing(agents[0], 0);
    pid_t other = wait_until_playing(agents[1], 0);
    cr_assert_eq(end_agent(0, SIGKILL), 128 + SIGKILL);
    wait_until_gone(subject);
    cr_assert_eq(command_wait(observer, 60), 3);
    wait_until_gone(other);

    json_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "failed");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "agent 'east' on "));
    cr_assert(json_is_null(json_at(root, "cells.0.trials.0.delivery.lost")));
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.1.status"), "failed");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.1.reason"), "1 of 2 agents are missing"));
    json_decref(root);
    assert_valid("report.json");
    cr_assert_eq(end_agent(1, SIGTERM), 0, "the other one waits for the next run");
}

AGENT_TEST(an_agent_that_was_lost_is_replaced_before_the_next_trial)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    pid_t observer = start_shared("./slow.json", "load=1", "report.json");
    (void) wait_until_playing(agents[0], 0);
    (void) start_agent("spare", "load", NULL);
    wait_until_said("spare", "waits for a run");
    cr_assert_eq(end_agent(0, SIGINT), 0, "an interrupt ends it in order");
    (void) wait_until_playing(agents[1], 0);
    (void) kill(observer, SIGINT);
    cr_assert_eq(command_wait(observer, 60), 3);
    json_t *root = strandline_json("report.json");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "'east'"));
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "was ended"));
    json_decref(root);
    wait_until_said("spare", "is over");
}

AGENT_TEST(a_subject_of_an_agent_that_dies_is_told_with_its_signal_and_the_agent_goes_on)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    pid_t observer = start_shared("./slow.json", "1", "report.json");
    pid_t first = wait_until_playing(agents[0], 0);
    (void) kill(first, SIGABRT);
    pid_t second = wait_until_playing(agents[0], first);
    (void) kill(second, SIGKILL);
    cr_assert_eq(command_wait(observer, 60), 3);
    json_t *root = strandline_json("report.json");
    const char *reason = json_text_at(root, "cells.0.trials.0.reason");
    cr_assert(strstr(reason, "agent 'east'") && strstr(reason, "signal 6"), "%s", reason);
    reason = json_text_at(root, "cells.0.trials.1.reason");
    cr_assert(strstr(reason, "agent 'east'") && strstr(reason, "signal 9"), "%s", reason);
    json_decref(root);
}

AGENT_TEST(an_observer_that_is_killed_is_dropped_and_the_next_one_served)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    (void) start_agent("south", "consume", NULL);
    pid_t observer = start_shared("./slow.json", "2", "report.json");
    pid_t subjects[] = {wait_until_playing(agents[0], 0), wait_until_playing(agents[1], 0)};
    (void) kill(observer, SIGKILL);
    (void) command_wait(observer, 30);
    for (size_t i = 0; i < 2; i++)
        wait_until_gone(subjects[i]);
    wait_until_said("east", "its run is dropped");
    wait_until_said("south", "its run is dropped");
    struct command_result result = run_shared("./quick.json", "load=1,consume=1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    command_result_release(&result);
}

AGENT_TEST(two_runs_at_once_have_agents_of_their_own)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    (void) start_agent("west", "load", NULL);
    pid_t first = start_shared("./quick.json", "1", "first.json");
    pid_t second = start_shared("./quick.json", "1", "second.json");
    cr_assert_eq(command_wait(first, 60), 0);
    cr_assert_eq(command_wait(second, 60), 0);
    json_t *one = strandline_json("first.json"), *two = strandline_json("second.json");
    for (int i = 0; i < 2; i++) {
        assert_whole(json_array_get(json_at(one, "cells.0.trials"), (size_t) i), 400);
        assert_whole(json_array_get(json_at(two, "cells.0.trials"), (size_t) i), 400);
    }
    json_decref(one);
    json_decref(two);
}

AGENT_TEST(one_agent_serves_no_two_runs_at_once)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    pid_t observer = start_shared("./slow.json", "1", "report.json");
    pid_t subject = wait_until_playing(agents[0], 0);
    struct command_result result =
        strandline_run("run", "./quick.json", "--server", sl_server_url(server), "--agents", "1",
                       "--agents-wait", "500ms", "--output", "other.json", NULL);
    cr_assert_eq(result.status, 3);
    cr_assert(strstr(result.errors, "1 of 1 agents are missing"), "%s", result.errors);
    cr_assert_eq(subject_of(agents[0]), subject, "the first run was not disturbed");
    command_result_release(&result);
    (void) kill(observer, SIGINT);
    cr_assert_eq(command_wait(observer, 60), 3);
    wait_until_gone(subject);
}

AGENT_TEST(a_server_that_is_lost_fails_the_trial_and_leaves_no_subject)
{
    start_server(1);
    (void) start_agent("east", "load", NULL);
    pid_t observer = start_shared("./slow.json", "1", "report.json");
    pid_t subject = wait_until_playing(agents[0], 0);
    sl_server_kill(server, 0);
    cr_assert_eq(command_wait(observer, 100), 3);
    wait_until_gone(subject);
    json_t *root = strandline_json("report.json");
    cr_assert_str_neq(json_text_at(root, "cells.0.trials.0.status"), "ok");
    json_decref(root);
    cr_assert_eq(end_agent(0, SIGTERM), 0, "it waits for the server to come back");
}

/* Bytes that a peer of version 9 would send: what every version begins with. */
static void send_foreign(struct sl_peer *peer, const char *subject, uint64_t run)
{
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};
    struct sl_error err = {0};

    sl_pack_bytes(&packer, "SLAG", 4);
    sl_pack_number(&packer, 9);
    sl_pack_number(&packer, run);
    sl_pack_text(&packer, "newer on north");
    sl_pack_bytes(&packer, "\1\2\3", 3);
    sl_assert_ok(sl_link_send(peer->link, subject, packer.data, packer.size, &err), &err);
}

static bool queue_all(void *user, const void *data, size_t size)
{
    (void) user;
    (void) data;
    (void) size;
    return false;
}

static struct sl_wire_header await_header(struct sl_link *link)
{
    struct pollfd fd = {.fd = sl_link_fd(link), .events = POLLIN};
    struct sl_wire_header header;

    cr_assert_eq(poll(&fd, 1, 60000), 1, "no message within a minute");
    struct sl_link_message *message = sl_link_take(link);
    struct sl_unpacker unpacker = {.at = message->data, .left = message->size};
    cr_assert(sl_wire_unpack_header(&unpacker, &header));
    free(message);
    return header;
}

AGENT_TEST(an_observer_of_another_version_is_refused_and_told_ours)
{
    struct sl_peer peer = {0};
    struct sl_error err = {0};
    char subject[SL_WIRE_SUBJECT_MAX];

    start_server(1);
    (void) start_agent("east", "load", NULL);
    wait_until_said("east", "waits for a run");
    sl_wire_observer_subject(77, subject);
    const struct sl_link_opts opts = {.servers = sl_server_url(server),
                                      .name = "test",
                                      .subjects = {subject},
                                      .intercept = queue_all};
    sl_assert_ok(sl_link_open(&opts, &peer.link, &err), &err);
    send_foreign(&peer, SL_WIRE_CALL, 77);
    struct sl_wire_header header = await_header(peer.link);
    cr_assert_eq(header.protocol, SL_WIRE_PROTOCOL);
    cr_assert(strstr(header.from, "east on "), "%s", header.from);
    wait_until_said("east", "refused a run of newer on north: it speaks version 9");
    sl_link_close(peer.link);
}

AGENT_TEST(an_agent_of_another_version_is_named_when_agents_are_missing)
{
    struct sl_peer peer = {0};
    struct sl_error err = {0};
    char subject[SL_WIRE_SUBJECT_MAX];

    start_server(1);
    const struct sl_link_opts opts = {.servers = sl_server_url(server),
                                      .name = "test",
                                      .subjects = {SL_WIRE_CALL},
                                      .intercept = queue_all};
    sl_assert_ok(sl_link_open(&opts, &peer.link, &err), &err);
    const char *const argv[] = {"sh",
                                "-c",
                                "exec \"$0\" \"$@\" 2>run.log",
                                strandline_program(),
                                "run",
                                "./quick.json",
                                "--server",
                                sl_server_url(server),
                                "--agents",
                                "1",
                                "--agents-wait",
                                "2s",
                                NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    pid_t observer = command_start(&command);
    struct sl_wire_header header = await_header(peer.link);
    sl_wire_observer_subject(header.run, subject);
    send_foreign(&peer, subject, header.run);
    cr_assert_eq(command_wait(observer, 60), 3);
    wait_until_said("run", "newer on north speaks version 9 of the protocol, not 1");
    sl_link_close(peer.link);
}

/* Bytes of no sense at all, to everyone who listens. */
AGENT_TEST(noise_on_its_subjects_moves_nobody)
{
    struct sl_peer peer = {0};
    struct sl_error err = {0};
    unsigned char noise[300];

    start_server(1);
    (void) start_agent("east", "load", NULL);
    wait_until_said("east", "waits for a run");
    const struct sl_link_opts opts = {
        .servers = sl_server_url(server), .name = "test", .intercept = queue_all};
    sl_assert_ok(sl_link_open(&opts, &peer.link, &err), &err);
    for (unsigned i = 0; i < sizeof noise; i++) {
        memcpy(noise, "SLAG\1", 5);
        for (unsigned j = i % 6; j < sizeof noise; j++)
            noise[j] = (unsigned char) (i * 7 + j * j);
        sl_assert_ok(sl_link_send(peer.link, SL_WIRE_CALL, noise, i, &err), &err);
    }
    struct command_result result = run_shared("./quick.json", "1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    command_result_release(&result);
    sl_link_close(peer.link);
}

/* A CLOCK_MONOTONIC of its own, 1000 s ahead. */
#define SHIFTED "unshare --time --monotonic 1000 --fork --kill-child -- "

AGENT_TEST(a_clock_of_another_machine_is_measured_and_corrected)
{
    start_server(1);
    if (system(SHIFTED "true 2>/dev/null") != 0) {
        leave(); /* a test that is skipped has no .fini */
        cr_skip_test("no time namespace can be made here");
    }
    (void) start_agent_by(SHIFTED, "east", "load", NULL);
    (void) start_agent_by(SHIFTED, "west", "load", NULL);
    struct command_result result = run_shared("./quick.json", "load=2");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);

    json_t *root = strandline_json("report.json");
    const json_t *trial = json_at(root, "cells.0.trials.0");
    for (size_t i = 0; i < 2; i++) {
        const json_t *agent = json_array_get(json_at(trial, "agents"), i);
        long offset = json_number_at(agent, "clock.offset_ns");
        long uncertainty = json_number_at(agent, "clock.uncertainty_ns");
        cr_assert_gt(uncertainty, 0);
        cr_assert_leq(labs(offset + 1000000000000L), uncertainty, "off by %ld, known to within %ld",
                      offset + 1000000000000L, uncertainty);
    }
    /* Either the clocks were known well enough, and latencies are what they can be, or not. */
    const json_t *p50 = json_at(trial, "latency.end_to_end.p50");
    if (json_is_null(p50))
        cr_assert(strstr(json_text_at(trial, "latency.end_to_end.missing.p50"), "clocks"));
    else
        cr_assert_lt(json_integer_value(p50), 60000000000, "not 1000 s");
    json_decref(root);
    command_result_release(&result);
    assert_valid("report.json");
}
