/* SPDX-License-Identifier: Apache-2.0 */
/* The observer's side: find the program, have a keeper start its nodes, wait until they answer. */
#include "harness/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/wait.h"
#include "harness/server/info.h"
#include "harness/server/keeper.h"
#include "harness/server/keeper_log.h"
#include "harness/server/layout.h"
#include "harness/server/private_dir.h"

#define START_TIMEOUT_NS   (30 * SL_NS_PER_S)
#define CLUSTER_TIMEOUT_NS (60 * SL_NS_PER_S) /* includes elections, which wait for seconds */
#define POLL_SHORTEST_NS   SL_NS_PER_MS
#define POLL_LONGEST_NS    (50 * SL_NS_PER_MS)
#define KEEPER_PATIENCE_NS (4 * SL_NS_PER_S)
#define LOG_PATIENCE_NS    SL_NS_PER_S
#define ORPHAN_PATIENCE_NS SL_NS_PER_S

struct node {
    pid_t pid;
    int pidfd; /* readable once it ended; -1: never started */
    struct sl_url client;
};

struct sl_server {
    struct sl_keeper_plan plan;
    struct sl_server_layout layout;
    uint64_t timeout_ns;
    pid_t keeper;
    int keeper_fd; /* see keeper.h */
    struct node nodes[SL_SERVER_MAX_NODES];
    unsigned n_nodes;
    char urls[SL_SERVER_MAX_NODES * 96];
    struct sl_server_info info; /* of the first node */
};

/* Look for a program in directories that colons separate, and get its absolute path. */
static bool find_in(const char *directories, const char *program, char ret_path[PATH_MAX])
{
    for (size_t length; *directories; directories += length + (directories[length] == ':')) {
        char path[PATH_MAX];
        struct stat info;

        length = strcspn(directories, ":");
        int size = snprintf(path, sizeof path, "%.*s/%s", (int) length, directories, program);
        /* An empty entry means the working directory: nothing to run a program from. */
        if (length > 0 && size < PATH_MAX && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
            access(path, X_OK) == 0 && realpath(path, ret_path))
            return true;
    }
    return false;
}

static enum sl_status
find_program(const char *program, char ret_path[PATH_MAX], struct sl_error *err)
{
    const char *wanted = program ? program : "nats-server";
    const char *path = getenv("PATH");

    /* Debian's nats-server is in /usr/sbin, which is not on everybody's PATH. */
    bool found = strchr(wanted, '/')
                     ? find_in(*wanted == '/' ? "/" : ".", wanted, ret_path)
                     : (path && find_in(path, wanted, ret_path)) ||
                           find_in("/usr/sbin:/usr/local/bin:/usr/local/sbin", wanted, ret_path);
    if (found)
        return SL_OK;
    if (program)
        return sl_fail(err, SL_ENOENT, "'%s' is not a program that can be run", program);
    return sl_fail(err, SL_ENOENT,
                   "nats-server is not installed: 'apt-get install nats-server', or use "
                   "--transport memory");
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
    if (!sl_wait_ready(server->keeper_fd, POLLIN, deadline_ns))
        return sl_fail(err, SL_ETIMEDOUT, "the server's keeper did not start a server in time");
    ssize_t size = recv(server->keeper_fd, ret_report, sizeof *ret_report, MSG_DONTWAIT);
    if (size != (ssize_t) sizeof *ret_report)
        return sl_fail(err, SL_EGONE, "the server's keeper ended unexpectedly");
    return describe_report(ret_report, &server->plan, err);
}

/* Take the report of one node's start.  What was started is in `server` on failure too. */
static enum sl_status
receive_start(struct sl_server *server, uint64_t deadline_ns, struct sl_error *err)
{
    struct sl_keeper_report report;

    enum sl_status status = receive_report(server, deadline_ns, &report, err);
    if (status)
        return status;
    if (report.node >= server->n_nodes)
        return sl_fail(err, SL_EPROTO, "the server's keeper sent an unknown report");
    struct node *node = &server->nodes[report.node];
    sl_fd_closep(&node->pidfd);
    node->pid = report.pid;
    node->pidfd = pidfd_open(report.pid, 0);
    if (node->pidfd < 0)
        return sl_fail_errno(err, "cannot watch the server's process %ld", (long) report.pid);
    return SL_OK;
}

static enum sl_status launch(struct sl_server *server, uint64_t deadline_ns, struct sl_error *err)
{
    enum sl_status status =
        sl_keeper_start(&server->plan, &server->keeper, &server->keeper_fd, err);
    for (unsigned i = 0; i < server->n_nodes && !status; i++)
        status = receive_start(server, deadline_ns, err);
    return status;
}

/* The last bytes that a node printed, at most size - 1.  @return "" on failure */
static void read_log(const struct sl_server *server, unsigned node, char *ret_text, size_t size)
{
    const struct sl_keeper_order order = {.wish = SL_KEEPER_TELL, .node = node};
    ssize_t used = 0;

    if (send(server->keeper_fd, &order, sizeof order, MSG_NOSIGNAL) > 0 &&
        sl_wait_ready(server->keeper_fd, POLLIN, sl_clock_now_ns() + LOG_PATIENCE_NS))
        used = recv(server->keeper_fd, ret_text, size - 1, MSG_DONTWAIT);
    ret_text[used > 0 ? used : 0] = '\0';
    for (ssize_t i = 0; i < used; i++)
        if (!ret_text[i])
            ret_text[i] = '?'; /* what follows is to be read, too */
}

/*
 * The line of the log that says most: the last one that reports a failure, else the last.
 * A crash of the Go runtime says why first, and then prints pages of stacks.
 */
static void describe_log(const struct sl_server *server, unsigned node, char *ret_text, size_t size)
{
    static const char *const marks[] = {"[FTL]", "[ERR]", "fatal error:", "panic:"};
    char log[KEEPER_LOG_SIZE + 2];
    const char *best = NULL, *last = NULL;
    char *rest = log;

    read_log(server, node, log, sizeof log);
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

/* Either the node was never executed, and a report says why, or its log does. */
static enum sl_status
describe_early_end(const struct sl_server *server, unsigned node, struct sl_error *err)
{
    struct sl_keeper_report report;
    char log[200];

    ssize_t size = recv(server->keeper_fd, &report, sizeof report, MSG_DONTWAIT);
    if (size == (ssize_t) sizeof report)
        return describe_report(&report, &server->plan, err);
    describe_log(server, node, log, sizeof log);
    return sl_fail(err, SL_EGONE, "nats-server ended before it was ready: %s", log);
}

static bool runs(const struct node *node)
{
    return node->pidfd >= 0 && !sl_wait_ready(node->pidfd, POLLIN, 0);
}

static bool is_healthy(const struct sl_server *server, unsigned node, uint64_t deadline_ns)
{
    return sl_server_is_healthy(&server->nodes[node].client, SL_USER_OBSERVER,
                                server->layout.observer, deadline_ns);
}

static enum sl_status await_node(const struct sl_server *server, unsigned index,
                                 uint64_t deadline_ns, struct sl_error *err)
{
    const struct node *node = &server->nodes[index];
    uint64_t pause_ns = POLL_SHORTEST_NS;
    char log[200];

    while (!is_healthy(server, index, deadline_ns)) {
        uint64_t now_ns = sl_clock_now_ns();
        if (now_ns >= deadline_ns) {
            describe_log(server, index, log, sizeof log);
            return sl_fail(err, SL_ETIMEDOUT, "nats-server did not become ready in time: %s", log);
        }
        if (sl_wait_ready(node->pidfd, POLLIN, SL_MIN(now_ns + pause_ns, deadline_ns)))
            return describe_early_end(server, index, err);
        pause_ns = SL_MIN(pause_ns * 2, POLL_LONGEST_NS);
    }
    return SL_OK;
}

/*
 * Wait until all nodes are ready at once: one that was can cease to be while others start,
 * because a leader is elected anew.
 */
static enum sl_status
await_ready(const struct sl_server *server, uint64_t deadline_ns, struct sl_error *err)
{
    enum sl_status status = SL_OK;
    bool all = false;

    while (!all && !status) {
        for (unsigned i = 0; i < server->n_nodes && !status; i++)
            status = await_node(server, i, deadline_ns, err);
        all = !status;
        for (unsigned i = 0; i < server->n_nodes && all; i++)
            all = is_healthy(server, i, deadline_ns);
    }
    return status;
}

static void set_address(struct sl_url *address, unsigned port)
{
    (void) snprintf(address->host, sizeof address->host, "127.0.0.1");
    (void) snprintf(address->port, sizeof address->port, "%u", port);
    (void) snprintf(address->text, sizeof address->text, "nats://127.0.0.1:%u", port);
}

/* Ports, addresses and configurations of all nodes. */
static enum sl_status prepare_nodes(struct sl_server *server, struct sl_error *err)
{
    size_t used = 0;

    enum sl_status status = sl_server_layout_init(&server->layout, server->n_nodes, err);
    server->plan.n_nodes = server->n_nodes;
    for (unsigned i = 0; i < server->n_nodes && !status; i++) {
        struct sl_keeper_node *plan = &server->plan.nodes[i];
        struct node *node = &server->nodes[i];
        const unsigned *ports = server->layout.nodes[i].number;
        (void) snprintf(plan->name, sizeof plan->name, "n%u", i + 1);
        set_address(&node->client, ports[SL_PORT_CLIENT]);
        used += (size_t) snprintf(server->urls + used, sizeof server->urls - used,
                                  "%snats://" SL_USER_SUBJECT ":%s@127.0.0.1:%u", i > 0 ? "," : "",
                                  server->layout.subject, ports[SL_PORT_CLIENT]);
        status =
            sl_server_layout_config(&server->layout, i, plan->config, sizeof plan->config, err);
    }
    return status;
}

enum sl_status sl_server_start(const struct sl_server_opts *opts, struct sl_server **ret_server,
                               struct sl_error *err)
{
    unsigned n_nodes = opts && opts->nodes ? opts->nodes : 1;

    if (n_nodes > SL_SERVER_MAX_NODES)
        return sl_fail(err, SL_EINVAL, "a private server has at most %u nodes, not %u",
                       SL_SERVER_MAX_NODES, n_nodes);
    SL_AUTO(sl_server) struct sl_server *server = calloc(1, sizeof *server);
    if (!server)
        return sl_fail(err, SL_ENOMEM, "out of memory for nats-server");
    server->keeper_fd = -1;
    server->n_nodes = n_nodes;
    for (unsigned i = 0; i < n_nodes; i++)
        server->nodes[i].pidfd = -1;
    server->timeout_ns = opts && opts->start_timeout_ns ? opts->start_timeout_ns
                         : n_nodes > 1                  ? CLUSTER_TIMEOUT_NS
                                                        : START_TIMEOUT_NS;
    uint64_t deadline_ns = sl_clock_now_ns() + server->timeout_ns;

    enum sl_status status = find_program(opts ? opts->program : NULL, server->plan.program, err);
    if (!status)
        status = sl_private_dir_name(server->plan.directory, err);
    if (!status)
        status = prepare_nodes(server, err);
    if (status)
        return status;
    sl_private_dir_sweep(server->plan.directory);
    status = launch(server, deadline_ns, err);
    if (!status)
        status = await_ready(server, deadline_ns, err);
    if (!status)
        status = sl_server_info_read(&server->nodes[0].client, deadline_ns, &server->info, err);
    if (status)
        return status;
    *ret_server = SL_TAKE(server);
    return SL_OK;
}

/* Have the keeper start what does not run.  All at once: a cluster needs its majority. */
static enum sl_status
start_missing(struct sl_server *server, uint64_t deadline_ns, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    for (unsigned i = 0; i < server->n_nodes && !status; i++) {
        const struct sl_keeper_order order = {.wish = SL_KEEPER_START, .node = i};
        if (runs(&server->nodes[i]))
            continue;
        if (send(server->keeper_fd, &order, sizeof order, MSG_NOSIGNAL) < 0)
            return sl_fail_errno(err, "cannot order the server's keeper to start a node");
        status = receive_start(server, deadline_ns, err);
    }
    return status;
}

enum sl_status sl_server_restart(struct sl_server *server, struct sl_error *err)
{
    uint64_t deadline_ns = sl_clock_now_ns() + server->timeout_ns;

    enum sl_status status = start_missing(server, deadline_ns, err);
    return status ? status : await_ready(server, deadline_ns, err);
}

/* @return the keeper has closed its end, which it does by ending */
static bool wait_for_keepers_end(int fd, uint64_t deadline_ns)
{
    struct sl_keeper_report unread;

    while (sl_wait_ready(fd, POLLIN, deadline_ns))
        if (recv(fd, &unread, sizeof unread, MSG_DONTWAIT) <= 0)
            return true;
    return false;
}

/*
 * What a keeper that was killed left to do: its nodes are dying, but of a node that is a script
 * only the script.
 */
static void end_groups(const struct sl_server *server)
{
    uint64_t deadline_ns = sl_clock_now_ns() + ORPHAN_PATIENCE_NS;

    for (unsigned i = 0; i < server->n_nodes; i++) {
        pid_t group = server->nodes[i].pid;
        while (group > 0 && kill(-group, SIGKILL) == 0 && sl_clock_now_ns() < deadline_ns) {
            (void) waitpid(-group, NULL, WNOHANG); /* ours, where orphans come to this process */
            sl_clock_sleep_ns(POLL_SHORTEST_NS);
        }
    }
}

void sl_server_stop(struct sl_server *server)
{
    if (!server)
        return;
    if (server->keeper > 0) {
        int end = 0;
        (void) shutdown(server->keeper_fd, SHUT_WR);
        if (!wait_for_keepers_end(server->keeper_fd, sl_clock_now_ns() + KEEPER_PATIENCE_NS))
            (void) kill(server->keeper, SIGKILL);
        while (waitpid(server->keeper, &end, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(end))
            end_groups(server);
        (void) sl_private_dir_remove(server->plan.directory);
    }
    sl_fd_closep(&server->keeper_fd);
    for (unsigned i = 0; i < server->n_nodes; i++)
        sl_fd_closep(&server->nodes[i].pidfd);
    sl_server_layout_release(&server->layout);
    free(server);
}

const char *sl_server_url(const struct sl_server *server)
{
    return server->urls;
}

const char *sl_server_version(const struct sl_server *server)
{
    return server->info.version;
}

const char *sl_server_directory(const struct sl_server *server)
{
    return server->plan.directory;
}

pid_t sl_server_pid(const struct sl_server *server, unsigned node)
{
    return server->nodes[node].pid;
}

bool sl_server_is_alive(const struct sl_server *server)
{
    unsigned n_running = 0;

    for (unsigned i = 0; i < server->n_nodes; i++)
        n_running += runs(&server->nodes[i]);
    return 2 * n_running > server->n_nodes;
}
