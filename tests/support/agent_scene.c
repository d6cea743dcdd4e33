/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_scene.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sl_test.h"
#include "until.h"

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
static const char *names[MAX_AGENTS];
static size_t n_agents;

void agent_enter(void)
{
    strandline_enter();
    /* Store directories of private servers go here. */
    (void) setenv("TMPDIR", strandline_directory(), 1);
    strandline_file("slow.json", slow_scenario);
    strandline_file("quick.json", quick_scenario);
}

void agent_leave(void)
{
    for (size_t i = 0; i < n_agents; i++)
        if (agents[i])
            (void) kill(agents[i], SIGKILL);
    sl_server_stop(server);
    strandline_leave();
}

void agent_server_start(unsigned nodes)
{
    const struct sl_server_opts opts = {.nodes = nodes};
    struct sl_error err = {0};

    if (system("command -v nats-server >/dev/null || test -x /usr/sbin/nats-server") != 0) {
        strandline_leave(); /* a test that is skipped has no .fini */
        cr_skip_test("nats-server is not installed");
    }
    sl_assert_ok(sl_server_start(&opts, &server, &err), &err);
}

static void read_log(const char *name, char *ret_text, size_t size)
{
    char path[PATH_MAX + 64];

    (void) snprintf(path, sizeof path, "%s/%s.log", strandline_directory(), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ret_text, size - 1) : -1;
    if (fd >= 0)
        (void) close(fd);
    ret_text[n > 0 ? n : 0] = '\0';
}

int agent_end(size_t number, int signal_number)
{
    /* The one that ended must not be asked to end again: its id may be another process's. */
    pid_t pid = agents[number];
    char said[8192];

    agents[number] = 0;
    if (signal_number)
        (void) kill(pid, signal_number);
    int status = command_wait(pid, 30);
    read_log(names[number], said, sizeof said);
    cr_assert(!strstr(said, "Sanitizer"), "%s", said);
    return status;
}

/* @return its number; what it says goes to the file NAME.log */
size_t agent_start_by(const char *prefix, const char *name, const char *role, const char *option)
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
    names[n_agents] = name;
    agents[n_agents] = command_start(&command);
    return n_agents++;
}

size_t agent_start(const char *name, const char *role, const char *option)
{
    return agent_start_by("", name, role, option);
}

struct command_result agent_run_shared(const char *scenario, const char *wanted)
{
    return strandline_run("run", scenario, "--server", sl_server_url(server), "--agents", wanted,
                          "--trials", "1", "--output", "report.json", NULL);
}

pid_t agent_start_shared(const char *scenario, const char *wanted, const char *report)
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

/* 0: there is no such process, or it has ended. */
static pid_t parent_of(const char *pid)
{
    char text[512], state = 'Z';
    int parent = 0;

    if (!read_proc(pid, "stat", text, sizeof text) || !strrchr(text, ')') ||
        sscanf(strrchr(text, ')'), ") %c %d", &state, &parent) != 2 || state == 'Z')
        return 0;
    return parent;
}

/* The subject that a process has now, behind its guard; 0: none. */
pid_t agent_subject_of(pid_t observer)
{
    char guard[16], line[4096];
    pid_t found = 0;
    DIR *proc = opendir("/proc");

    cr_assert(proc);
    for (const struct dirent *entry; !found && (entry = readdir(proc));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        (void) snprintf(guard, sizeof guard, "%d", parent_of(entry->d_name));
        if (parent_of(guard) == observer &&
            read_proc(entry->d_name, "cmdline", line, sizeof line) &&
            strcmp(line + strlen(line) + 1, "subject") == 0)
            found = atoi(entry->d_name);
    }
    (void) closedir(proc);
    return found;
}

/* The bus makes its monitor when it has its streams. */
static bool has_bus(pid_t subject)
{
    char path[64], name[300], comm[32];
    bool found = false;

    (void) snprintf(path, sizeof path, "/proc/%d/task", subject);
    DIR *tasks = opendir(path);
    for (const struct dirent *entry; tasks && !found && (entry = readdir(tasks));) {
        (void) snprintf(name, sizeof name, "%d/task/%s", subject, entry->d_name);
        found = read_proc(name, "comm", comm, sizeof comm) && strcmp(comm, "monitor\n") == 0;
    }
    if (tasks)
        (void) closedir(tasks);
    return found;
}

/* Wait until a process has a subject whose bus is open, other than `not_this`. */
pid_t agent_wait_until_playing(pid_t parent, pid_t not_this)
{
    uint64_t deadline = sl_clock_now_ns() + LIMIT_NS;
    pid_t subject = 0;

    do {
        cr_assert_lt(sl_clock_now_ns(), deadline, "no subject within a minute");
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
        subject = agent_subject_of(parent);
    } while (!subject || subject == not_this || !has_bus(subject));
    return subject;
}

void agent_wait_until_gone(pid_t subject)
{
    cr_assert(sl_test_until(kill(subject, 0) != 0, LIMIT_NS), "subject %d stays", subject);
}

void agent_wait_until_said(const char *name, const char *text)
{
    char said[8192];

    cr_assert(sl_test_until((read_log(name, said, sizeof said), strstr(said, text)), LIMIT_NS),
              "agent '%s' never says '%s', but: %s", name, text, said);
}

void agent_assert_valid(const char *report)
{
    char command[2 * PATH_MAX + 128];

    (void) snprintf(command, sizeof command, "'%s/scripts/validate-report' '%s/%s'",
                    SL_TEST_SOURCE_ROOT, strandline_directory(), report);
    int status = system(command);
    cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77),
              "%s is not valid", report);
}

/* Nothing lost, nothing out of order, one sample for each message of each kind. */
void agent_assert_whole(const json_t *trial, long n_events)
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

struct sl_server *agent_server(void)
{
    return server;
}

pid_t agent_pid(size_t number)
{
    return agents[number];
}
