/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observer's side: find the program, have a keeper start it, wait until it answers.
 *
 * Several servers under one keeper (a cluster) would be several directories and programs in
 * the plan, one STARTED report each, and one await_ready() each.
 */
#include "harness/run/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/parse.h"
#include "harness/run/private_dir.h"
#include "harness/run/server_info.h"
#include "harness/run/server_keeper.h"

#define START_TIMEOUT_NS   (30 * SL_NS_PER_S)
#define POLL_SHORTEST_NS   SL_NS_PER_MS
#define POLL_LONGEST_NS    (50 * SL_NS_PER_MS)
#define KEEPER_PATIENCE_NS (4 * SL_NS_PER_S)
#define ORPHAN_PATIENCE_NS SL_NS_PER_S

struct sl_server {
    struct sl_keeper_plan plan;
    pid_t keeper;
    int keeper_fd; /* see server_keeper.h */
    pid_t pid;
    int pidfd; /* readable once the server ended */
    struct sl_server_address address;
    struct sl_server_info info;
};

/* @return the descriptor became readable, or its other end closed, before the deadline */
static bool wait_readable(int fd, uint64_t deadline_ns)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    int n;

    do {
        struct timespec left = sl_clock_to_timespec(sl_clock_left_ns(deadline_ns));
        n = ppoll(&watched, 1, &left, NULL);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

/* @return directory/name is a file that we may execute; its absolute path is in ret_path */
static bool
try_program(const char *directory, size_t length, const char *name, char ret_path[PATH_MAX])
{
    char path[PATH_MAX];
    struct stat info;

    int size = snprintf(path, sizeof path, "%.*s/%s", (int) length, directory, name);
    return size > 0 && size < PATH_MAX && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
           access(path, X_OK) == 0 && realpath(path, ret_path);
}

/* Debian's nats-server is in /usr/sbin, which is not on everybody's PATH. */
static bool search_program(const char *name, char ret_path[PATH_MAX])
{
    static const char *const further[] = {"/usr/sbin", "/usr/local/bin", "/usr/local/sbin"};
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t length = strcspn(path, ":");
        /* An empty entry means the working directory: nothing to run a program from. */
        if (length > 0 && try_program(path, length, name, ret_path))
            return true;
        path += length + (path[length] == ':');
    }
    for (size_t i = 0; i < SL_COUNT_OF(further); i++)
        if (try_program(further[i], strlen(further[i]), name, ret_path))
            return true;
    return false;
}

static enum sl_status
find_program(const char *program, char ret_path[PATH_MAX], struct sl_error *err)
{
    if (!program) {
        if (search_program("nats-server", ret_path))
            return SL_OK;
        return sl_fail(err, SL_ENOENT,
                       "nats-server is not installed: 'apt-get install nats-server', or use "
                       "--transport memory");
    }
    const char *directory = program[0] == '/' ? "" : ".";
    bool found = strchr(program, '/') ? try_program(directory, strlen(directory), program, ret_path)
                                      : search_program(program, ret_path);
    if (!found)
        return sl_fail(err, SL_ENOENT, "'%s' is not a program that can be run", program);
    return SL_OK;
}

static enum sl_status describe_report(const struct sl_keeper_report *report,
                                      const struct sl_keeper_plan *plan, struct sl_error *err)
{
    errno = report->error;
    switch (report->step) {
    case SL_KEEPER_STARTED:
        return SL_OK;
    case SL_KEEPER_NO_NULL_DEVICE:
        return sl_fail_errno(err, "cannot open '/dev/null'");
    case SL_KEEPER_NO_DIRECTORY:
        return sl_fail_errno(err, "cannot create the server's directory '%s'", plan->directory);
    case SL_KEEPER_NO_CONFIG:
        return sl_fail_errno(err, "cannot write the server's configuration in '%s'",
                             plan->directory);
    case SL_KEEPER_NO_PROCESS:
        return sl_fail_errno(err, "cannot fork the server");
    case SL_KEEPER_NO_PROGRAM:
        return sl_fail_errno(err, "cannot run '%s'", plan->program);
    }
    return sl_fail(err, SL_EPROTO, "the server's keeper sent an unknown report");
}

/*
 * Next report of the keeper.
 *
 * @return SL_ETIMEDOUT none in time; SL_EGONE the keeper ended; else as the report says
 */
static enum sl_status receive_report(const struct sl_server *server, uint64_t deadline_ns,
                                     struct sl_keeper_report *ret_report, struct sl_error *err)
{
    if (!wait_readable(server->keeper_fd, deadline_ns))
        return sl_fail(err, SL_ETIMEDOUT, "the server's keeper did not start a server in time");
    ssize_t size = recv(server->keeper_fd, ret_report, sizeof *ret_report, MSG_DONTWAIT);
    if (size != (ssize_t) sizeof *ret_report)
        return sl_fail(err, SL_EGONE, "the server's keeper ended unexpectedly");
    return describe_report(ret_report, &server->plan, err);
}

/* Start keeper and server; what was started is in `server` on failure too. */
static enum sl_status launch(struct sl_server *server, uint64_t deadline_ns, struct sl_error *err)
{
    struct sl_keeper_report report;

    enum sl_status status =
        sl_keeper_start(&server->plan, &server->keeper, &server->keeper_fd, err);
    if (!status)
        status = receive_report(server, deadline_ns, &report, err);
    if (status)
        return status;
    server->pid = report.server;
    server->pidfd = pidfd_open(report.server, 0);
    if (server->pidfd < 0)
        return sl_fail_errno(err, "cannot watch the server's process %ld", (long) report.server);
    return SL_OK;
}

/* Read at most size - 1 bytes from an offset (negative: from the end).  @return "" on failure */
static void
read_file(const struct sl_server *server, const char *name, off_t from, char *ret_text, size_t size)
{
    char path[PATH_MAX];
    ssize_t used = 0;

    int length = snprintf(path, sizeof path, "%s/%s", server->plan.directory, name);
    SL_AUTO_FD int fd = length < PATH_MAX ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (from < 0)
            (void) lseek(fd, from, SEEK_END); /* fails when the file is shorter: then all of it */
        used = read(fd, ret_text, size - 1);
    }
    ret_text[used > 0 ? used : 0] = '\0';
}

/*
 * The line of the log that says most: the last one that reports a failure, else the last.
 * A crash of the Go runtime says why first, and then prints pages of stacks.
 */
static void describe_log(const struct sl_server *server, char *ret_text, size_t size)
{
    static const char *const marks[] = {"[FTL]", "[ERR]", "fatal error:", "panic:"};
    char log[16384];
    const char *best = NULL, *last = NULL;
    char *rest = log;

    read_file(server, SL_KEEPER_LOG, -(off_t) (sizeof log - 1), log, sizeof log);
    for (char *line; (line = strtok_r(rest, "\n", &rest));) {
        last = line;
        for (size_t i = 0; i < SL_COUNT_OF(marks); i++)
            if (strstr(line, marks[i]))
                best = line;
    }
    if (!best)
        best = last ? last : "its log is empty";
    (void) snprintf(ret_text, size, "%s", best);
}

/* @return false as long as the server has not written the file, or not all of it */
static bool read_port(const struct sl_server *server, char *ret_port, size_t size)
{
    static const char before[] = "{\"nats\":[\"nats://127.0.0.1:";
    char name[64], text[256];
    uint64_t port;

    (void) snprintf(name, sizeof name, "nats-server_%ld.ports", (long) server->pid);
    read_file(server, name, 0, text, sizeof text);
    if (strncmp(text, before, strlen(before)) != 0)
        return false;
    char *number = text + strlen(before);
    size_t length = strspn(number, "0123456789");
    if (length >= size || number[length] != '"')
        return false;
    number[length] = '\0';
    if (sl_parse_number(number, 1, UINT16_MAX, &port, NULL))
        return false;
    memcpy(ret_port, number, length + 1);
    return true;
}

/* @return it accepts connections and has JetStream; address and info are filled */
static bool check_ready(struct sl_server *server, uint64_t deadline_ns)
{
    struct sl_server_address *address = &server->address;

    if (!read_port(server, address->port, sizeof address->port))
        return false;
    (void) snprintf(address->host, sizeof address->host, "127.0.0.1");
    (void) snprintf(address->url, sizeof address->url, "nats://127.0.0.1:%s", address->port);
    return !sl_server_info_read(address, deadline_ns, &server->info, NULL) &&
           server->info.jetstream;
}

/* Either the server was never executed, and a report says why, or its log does. */
static enum sl_status describe_early_end(const struct sl_server *server, struct sl_error *err)
{
    struct sl_keeper_report report;
    char log[200];

    ssize_t size = recv(server->keeper_fd, &report, sizeof report, MSG_DONTWAIT);
    if (size == (ssize_t) sizeof report)
        return describe_report(&report, &server->plan, err);
    describe_log(server, log, sizeof log);
    return sl_fail(err, SL_EGONE, "nats-server ended before it was ready: %s", log);
}

static enum sl_status
await_ready(struct sl_server *server, uint64_t deadline_ns, struct sl_error *err)
{
    uint64_t pause_ns = POLL_SHORTEST_NS;
    char log[200];

    while (!check_ready(server, deadline_ns)) {
        uint64_t now_ns = sl_clock_now_ns();
        if (now_ns >= deadline_ns) {
            describe_log(server, log, sizeof log);
            return sl_fail(err, SL_ETIMEDOUT, "nats-server did not become ready in time: %s", log);
        }
        if (wait_readable(server->pidfd, SL_MIN(now_ns + pause_ns, deadline_ns)))
            return describe_early_end(server, err);
        pause_ns = SL_MIN(pause_ns * 2, POLL_LONGEST_NS);
    }
    return SL_OK;
}

enum sl_status sl_server_start(const struct sl_server_opts *opts, struct sl_server **ret_server,
                               struct sl_error *err)
{
    uint64_t timeout_ns =
        opts && opts->start_timeout_ns ? opts->start_timeout_ns : START_TIMEOUT_NS;
    uint64_t deadline_ns = sl_clock_now_ns() + timeout_ns;

    SL_AUTO(sl_server) struct sl_server *server = calloc(1, sizeof *server);
    if (!server)
        return sl_fail(err, SL_ENOMEM, "cannot start nats-server: out of memory");
    server->keeper_fd = server->pidfd = -1;

    enum sl_status status = find_program(opts ? opts->program : NULL, server->plan.program, err);
    if (!status)
        status = sl_private_dir_name(server->plan.directory, err);
    if (status)
        return status;
    sl_private_dir_sweep(server->plan.directory);
    status = launch(server, deadline_ns, err);
    if (!status)
        status = await_ready(server, deadline_ns, err);
    if (status)
        return status;
    *ret_server = SL_TAKE(server);
    return SL_OK;
}

/* @return the keeper has closed its end, which it does by ending */
static bool wait_for_keepers_end(int fd, uint64_t deadline_ns)
{
    struct sl_keeper_report unread;

    while (wait_readable(fd, deadline_ns))
        if (recv(fd, &unread, sizeof unread, MSG_DONTWAIT) <= 0)
            return true;
    return false;
}

void sl_server_stop(struct sl_server *server)
{
    if (!server)
        return;
    if (server->keeper > 0) {
        (void) shutdown(server->keeper_fd, SHUT_WR);
        if (!wait_for_keepers_end(server->keeper_fd, sl_clock_now_ns() + KEEPER_PATIENCE_NS))
            (void) kill(server->keeper, SIGKILL);
        while (waitpid(server->keeper, NULL, 0) < 0 && errno == EINTR)
            ;
        /* What is left to do is left by a keeper that was killed; its server is dying. */
        if (server->pidfd >= 0)
            (void) wait_readable(server->pidfd, sl_clock_now_ns() + ORPHAN_PATIENCE_NS);
        (void) sl_private_dir_remove(server->plan.directory);
    }
    if (server->keeper_fd >= 0)
        (void) close(server->keeper_fd);
    if (server->pidfd >= 0)
        (void) close(server->pidfd);
    free(server);
}

const char *sl_server_url(const struct sl_server *server)
{
    return server->address.url;
}

const char *sl_server_version(const struct sl_server *server)
{
    return server->info.version;
}

const char *sl_server_directory(const struct sl_server *server)
{
    return server->plan.directory;
}

pid_t sl_server_pid(const struct sl_server *server)
{
    return server->pid;
}

bool sl_server_is_alive(const struct sl_server *server)
{
    return !wait_readable(server->pidfd, 0);
}
