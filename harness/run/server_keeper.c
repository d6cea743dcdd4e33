/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/server_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/run/private_dir.h"

#define CONFIG_NAME "server.conf"
#define OBSERVER_FD 3

/*
 * Every path is relative to the working directory, so that no name needs quoting.  The
 * limits are bounds, not reservations; given, they keep the server from deriving its own
 * from what is free at the moment, which would differ from run to run.
 */
static const char config[] = "host: \"127.0.0.1\"\n"
                             "port: -1\n"
                             "ports_file_dir: \".\"\n"
                             "jetstream {\n"
                             "    store_dir: \"store\"\n"
                             "    max_mem: 1073741824\n"
                             "    max_file: 10737418240\n"
                             "}\n";

/* Failure to send means that the observer ended; the end of file will say so. */
static void report(enum sl_keeper_step step, int error, pid_t server)
{
    struct sl_keeper_report message = {.step = step, .error = error, .server = server};

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
        report(SL_KEEPER_NO_NULL_DEVICE, errno, 0);
        _exit(1);
    }
}

static bool write_config(int dir)
{
    SL_AUTO_FD int fd = openat(dir, CONFIG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t size = sizeof config - 1;

    if (fd < 0)
        return false;
    errno = ENOSPC; /* a short write sets no errno, and this is why it is short */
    return write(fd, config, (size_t) size) == size;
}

/* In the process that becomes the server. */
_Noreturn static void execute(const struct sl_keeper_plan *plan, pid_t keeper, int dir)
{
    char name[] = "nats-server", option[] = "-c", file[] = CONFIG_NAME;
    char *const argv[] = {name, option, file, NULL};

    set_signals(SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || fchdir(dir) < 0)
        goto fail;
    if (getppid() != keeper)
        _exit(1); /* the keeper was killed before it could take the server with it */
    int log = open(SL_KEEPER_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        goto fail;
    (void) execv(plan->program, argv);
fail:
    report(SL_KEEPER_NO_PROGRAM, errno, 0);
    _exit(1);
}

/* @return the server's pid, or -1 after a report */
static pid_t start_server(const struct sl_keeper_plan *plan, int dir)
{
    pid_t keeper = getpid();

    if (!write_config(dir)) {
        report(SL_KEEPER_NO_CONFIG, errno, 0);
        return -1;
    }
    pid_t server = fork();
    if (server == 0)
        execute(plan, keeper, dir);
    if (server < 0)
        report(SL_KEEPER_NO_PROCESS, errno, 0);
    else
        report(SL_KEEPER_STARTED, 0, server);
    return server;
}

static void wait_for_observers_end(void)
{
    char byte;
    ssize_t size;

    do
        size = read(OBSERVER_FD, &byte, sizeof byte);
    while (size > 0 || (size < 0 && errno == EINTR));
}

_Noreturn static void keep(const struct sl_keeper_plan *plan, int observer)
{
    int lock; /* held until the process ends */

    (void) setsid();
    (void) prctl(PR_SET_NAME, "server-keeper");
    set_signals(SIG_IGN);
    close_inherited(observer);
    (void) chdir("/");
    (void) umask(077);

    int dir = sl_private_dir_create(plan->directory, &lock);
    if (dir < 0) {
        report(SL_KEEPER_NO_DIRECTORY, errno, 0);
        _exit(1);
    }
    pid_t server = start_server(plan, dir);
    if (server > 0) {
        wait_for_observers_end();
        /* Killed, not asked: all that it would save is removed next. */
        (void) kill(server, SIGKILL);
        while (waitpid(server, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    (void) sl_private_dir_remove(plan->directory);
    _exit(server > 0 ? 0 : 1);
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
