/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/fail.h"

/* Exit status of a child that could not become what it was to be. */
#define EXEC_FAILED 127

/* Neither terminal nor pipe, so that no thread of the child ever waits in reading or printing. */
static bool redirect_streams(int output_fd)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
           dup2(output_fd, STDOUT_FILENO) >= 0 && dup2(output_fd, STDERR_FILENO) >= 0;
}

/* In the child, between fork and exec: async-signal-safe calls only. */
static void become(const struct sl_launch *launch, pid_t parent, int failure_fd)
{
    sigset_t none;

    if (launch->own_session)
        (void) setsid();
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it had ended before the request above counted */
        _exit(EXEC_FAILED);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++) /* some cannot be set, and need not be */
        (void) signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);

    if (launch->capture && !redirect_streams(launch->output_fd))
        _exit(EXEC_FAILED);
    /* What our own caller left open is none of the child's business. */
    (void) close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    for (size_t i = 0; i < launch->n_fds; i++)
        if (launch->fds[i] >= 0)
            (void) fcntl(launch->fds[i], F_SETFD, 0);
    (void) execvpe(launch->program, (char *const *) launch->argv,
                   launch->environment ? (char *const *) launch->environment : environ);
    ssize_t told = write(failure_fd, &errno, sizeof errno);
    (void) told; /* who waits for it sees the end of the pipe as well */
    _exit(EXEC_FAILED);
}

/* Wait until the child is what it was to be.  @return why it is not; 0: it is */
static int await_exec(pid_t pid, int failure_fd)
{
    int failure = 0;
    ssize_t n;

    while ((n = read(failure_fd, &failure, sizeof failure)) < 0 && errno == EINTR)
        continue;
    if (n != sizeof failure)
        return 0;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return failure;
}

enum sl_status
sl_process_launch(const struct sl_launch *launch, pid_t *ret_pid, struct sl_error *err)
{
    int failure[2];

    if (pipe2(failure, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe to '%s'", launch->argv[0]);
    SL_AUTO_FD int failure_read = failure[0], failure_write = failure[1];
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return sl_fail_errno(err, "cannot start '%s'", launch->argv[0]);
    if (pid == 0)
        become(launch, parent, failure_write);
    (void) close(SL_TAKE_FD(failure_write));
    errno = await_exec(pid, failure_read);
    if (errno == ENOENT)
        return sl_fail(err, SL_ENOENT, "there is no program '%s'", launch->program);
    if (errno)
        return sl_fail_errno(err, "cannot execute '%s'", launch->program);
    *ret_pid = pid;
    return SL_OK;
}
