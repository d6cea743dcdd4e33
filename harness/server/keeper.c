/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "harness/server/keeper_end.h"
#include "harness/server/keeper_log.h"
#include "harness/server/private_dir.h"

#define CONFIG_NAME "server.conf"
#define OBSERVER_FD 3
#define END_NS      (3 * SL_NS_PER_S) /* for what is killed to end */

/* Failure to send means that the observer ended; the end of file will say so. */
static void report(enum sl_keeper_step step, int error, unsigned node, pid_t pid)
{
    struct sl_keeper_report message = {.step = step, .error = error, .node = node, .pid = pid};

    (void) send(OBSERVER_FD, &message, sizeof message, MSG_NOSIGNAL);
}

static void set_signals(void (*interrupts)(int))
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    /* Some numbers can not be set; there is nothing of ours on them. */
    for (int number = 1; number < NSIG; number++)
        (void) sigaction(number, &action, NULL);
    action.sa_handler = interrupts;
    for (size_t i = 0; i < SL_COUNT_OF(ignored); i++)
        (void) sigaction(ignored[i], &action, NULL);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Keep the observer's socket and nothing else that was inherited; 0, 1, 2 become /dev/null. */
static void close_inherited(int observer)
{
    if (observer != OBSERVER_FD)
        (void) dup3(observer, OBSERVER_FD, O_CLOEXEC);
    (void) close_range(0, OBSERVER_FD - 1, 0);
    (void) close_range(OBSERVER_FD + 1, ~0U, 0);
    int null = open("/dev/null", O_RDWR);
    if (null != 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
        report(SL_KEEPER_NO_NULL_DEVICE, errno, 0, 0);
        _exit(1);
    }
}

struct keeper {
    const struct sl_keeper_plan *plan;
    int dir;                         /* the server's */
    pid_t pids[SL_SERVER_MAX_NODES]; /* 0: not started, or reaped */
    struct keeper_log *logs;
};

/* @return descriptor of the node's own directory with its configuration in it, or -1 */
static int make_node_directory(int dir, const struct sl_keeper_node *node)
{
    size_t size = strlen(node->config);

    if (mkdirat(dir, node->name, 0700) < 0)
        return -1;
    SL_AUTO_FD int own = openat(dir, node->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SL_AUTO_FD int file = openat(own, CONFIG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (own < 0 || file < 0)
        return -1;
    errno = ENOSPC; /* a short write sets no errno, and this is why it is short */
    return write(file, node->config, size) == (ssize_t) size ? SL_TAKE_FD(own) : -1;
}

/* In the process that becomes a node. */
_Noreturn static void
execute(const struct sl_keeper_plan *plan, unsigned node, pid_t keeper, int directory, int log)
{
    char name[] = "nats-server", option[] = "-c", file[] = CONFIG_NAME;
    char *const argv[] = {name, option, file, NULL};

    set_signals(SIG_DFL);
    (void) setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || fchdir(directory) < 0)
        goto fail;
    if (getppid() != keeper)
        _exit(1); /* the keeper was killed before it could take the node with it */
    if (dup2(log, 1) < 0 || dup2(log, 2) < 0)
        goto fail;
    (void) execv(plan->program, argv);
fail:
    report(SL_KEEPER_NO_PROGRAM, errno, node, 0);
    _exit(1);
}

/* @return whether the node's process was made; reported in any case */
static bool start_node(struct keeper *keeper, unsigned node, int directory)
{
    struct keeper_log *log = &keeper->logs[node];
    pid_t own = getpid(), pid = -1;
    int ends[2];

    if (directory >= 0 && pipe2(ends, O_CLOEXEC) == 0) {
        pid = fork();
        if (pid == 0)
            execute(keeper->plan, node, own, directory, ends[1]);
        int error = errno;
        (void) setpgid(pid, pid); /* here, too: it may be killed before it comes to it */
        (void) fcntl(ends[0], F_SETFL, O_NONBLOCK);
        (void) close(ends[1]);
        sl_fd_closep(&log->fd);
        log->fd = ends[0]; /* of the node's last life nothing more is read */
        errno = error;
    }
    if (directory < 0)
        report(SL_KEEPER_NO_CONFIG, errno, node, 0);
    else if (pid < 0)
        report(SL_KEEPER_NO_PROCESS, errno, node, 0);
    else
        report(SL_KEEPER_STARTED, 0, node, pid);
    keeper->pids[node] = SL_MAX(pid, 0);
    return pid > 0;
}

static bool start_nodes(struct keeper *keeper)
{
    bool all = true;

    for (unsigned i = 0; i < keeper->plan->n_nodes && all; i++) {
        SL_AUTO_FD int directory = make_node_directory(keeper->dir, &keeper->plan->nodes[i]);
        all = start_node(keeper, i, directory);
    }
    return all;
}

/* Killed, not asked: what it would save at its end is either removed next, or not to be saved. */
static void end_node(struct keeper *keeper, unsigned node)
{
    if (keeper->pids[node] > 0)
        keeper_end_group(keeper->pids[node]);
    keeper->pids[node] = 0;
}

static void restart_node(struct keeper *keeper, unsigned node)
{
    end_node(keeper, node);
    SL_AUTO_FD int directory =
        openat(keeper->dir, keeper->plan->nodes[node].name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void) start_node(keeper, node, directory);
}

static void tell_log(struct keeper_log *log)
{
    char text[1 + KEEPER_LOG_SIZE] = "\n"; /* a message of no bytes would be the end of file */

    keeper_log_read(log);
    size_t size = 1 + keeper_log_copy(log, text + 1);
    (void) send(OBSERVER_FD, text, size, MSG_NOSIGNAL);
}

/* @return false at the observer's end */
static bool take_order(struct keeper *keeper)
{
    struct sl_keeper_order order;
    ssize_t size = recv(OBSERVER_FD, &order, sizeof order, 0);

    if (size <= 0)
        return false;
    if (size != (ssize_t) sizeof order || order.node >= keeper->plan->n_nodes)
        return true;
    if (order.wish == SL_KEEPER_START)
        restart_node(keeper, order.node);
    else
        tell_log(&keeper->logs[order.node]);
    return true;
}

/* Until the observer's end. */
static void serve(struct keeper *keeper)
{
    for (;;) {
        struct pollfd fds[1 + SL_SERVER_MAX_NODES] = {{.fd = OBSERVER_FD, .events = POLLIN}};
        unsigned n = keeper->plan->n_nodes;

        for (unsigned i = 0; i < n; i++)
            fds[1 + i] = (struct pollfd){.fd = keeper->logs[i].fd, .events = POLLIN};
        if (poll(fds, 1 + n, -1) < 0 && errno != EINTR)
            return;
        for (unsigned i = 0; i < n; i++)
            if (fds[1 + i].revents)
                keeper_log_read(&keeper->logs[i]);
        if (fds[0].revents && !take_order(keeper))
            return;
    }
}

_Noreturn static void keep(const struct sl_keeper_plan *plan, int observer)
{
    static struct keeper_log logs[SL_SERVER_MAX_NODES];
    struct keeper keeper = {.plan = plan, .logs = logs};
    int lock; /* held until the process ends */

    for (unsigned i = 0; i < SL_SERVER_MAX_NODES; i++)
        logs[i].fd = -1;

    (void) setsid();
    (void) prctl(PR_SET_NAME, "server-keeper");
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    set_signals(SIG_IGN);
    close_inherited(observer);
    (void) chdir("/");
    (void) umask(077);

    keeper.dir = sl_private_dir_create(plan->directory, &lock);
    if (keeper.dir < 0) {
        report(SL_KEEPER_NO_DIRECTORY, errno, 0, 0);
        _exit(1);
    }
    bool started = start_nodes(&keeper);
    if (started)
        serve(&keeper);
    for (unsigned i = 0; i < plan->n_nodes; i++)
        if (keeper.pids[i] > 0)
            (void) kill(-keeper.pids[i], SIGKILL);
    keeper_end_all(sl_clock_now_ns() + END_NS);
    (void) sl_private_dir_remove(plan->directory);
    _exit(started ? 0 : 1);
}

enum sl_status sl_keeper_start(const struct sl_keeper_plan *plan, pid_t *ret_keeper, int *ret_fd,
                               struct sl_error *err)
{
    int ends[2];
    sigset_t all, before;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return sl_fail_errno(err, "cannot create a socket pair for the server's keeper");
    SL_AUTO_FD int ours = ends[0];
    SL_AUTO_FD int theirs = ends[1];

    /* No handler of this program's may run in the keeper. */
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t keeper = fork();
    if (keeper == 0)
        keep(plan, theirs);
    int error = errno;
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (keeper < 0) {
        errno = error;
        return sl_fail_errno(err, "cannot fork the server's keeper");
    }
    *ret_keeper = keeper;
    *ret_fd = SL_TAKE_FD(ours);
    return SL_OK;
}
