/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness/process/launch.h"
#include "harness/process/output.h"

#define END_NS   (3 * SL_NS_PER_S) /* for what is killed to end; less than the observer waits */
#define PAUSE_NS (SL_NS_PER_MS / 4)

#define READS_AT_ONCE 16

struct guard {
    int observer_fd, output_fd; /* -1: nobody has the other end any more */
    pid_t observer;
    struct sl_printed *printed;
    struct guard_report report;
};

/* A failure means that the observer ended, which the next look finds. */
static void tell(struct guard *guard, enum guard_event event)
{
    guard->report.event = event;
    (void) send(guard->observer_fd, &guard->report, sizeof guard->report, MSG_NOSIGNAL);
}

static void wake_up(int number)
{
    (void) number;
}

/*
 * Only what ends a process by force ends a guard.  Two signals interrupt its wait, and only that: a
 * child ended; the observer did, even while the guard is stopped.
 */
static void set_signals(sigset_t *ret_while_waiting)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    static const int waking[] = {SIGCHLD, SIGCONT};
    sigset_t blocked;

    (void) sigfillset(&blocked);
    (void) sigprocmask(SIG_SETMASK, &blocked, ret_while_waiting);
    for (size_t i = 0; i < SL_COUNT_OF(ignored); i++)
        (void) signal(ignored[i], SIG_IGN);
    *ret_while_waiting = blocked;
    for (size_t i = 0; i < SL_COUNT_OF(waking); i++) {
        (void) signal(waking[i], wake_up);
        (void) sigdelset(ret_while_waiting, waking[i]);
    }
    (void) prctl(PR_SET_PDEATHSIG, SIGCONT);
}

static int start_subject(struct guard *guard, const struct sl_guard_task *task)
{
    int output[2];
    pid_t pid;

    if (pipe2(output, O_CLOEXEC) < 0)
        return errno;
    const struct sl_launch launch = {.program = "/proc/self/exe",
                                     .argv = task->argv,
                                     .fds = task->fds,
                                     .n_fds = task->n_fds,
                                     .output_fd = output[1],
                                     .capture = true,
                                     .own_session = true};
    struct sl_error err = {0};
    enum sl_status status = sl_process_launch(&launch, &pid, &err);
    (void) close(output[1]);
    for (size_t i = 0; i < task->n_fds; i++)
        sl_fd_closep(&task->fds[i]);
    (void) fcntl(output[0], F_SETFL, O_NONBLOCK);
    guard->output_fd = output[0];
    guard->report.subject = pid;
    return status ? err.sys_errno ? err.sys_errno : ECHILD : 0;
}

/* What was printed since, or some of it where there is no end to it. */
static void take_output(struct guard *guard)
{
    static char bytes[64 << 10]; /* a stack may be limited to less */
    ssize_t n = 1;

    for (int i = 0; i < READS_AT_ONCE && n > 0; i++) {
        n = guard->output_fd < 0 ? -1 : read(guard->output_fd, bytes, sizeof bytes);
        if (n > 0)
            sl_printed_add(guard->printed, bytes, (size_t) n);
    }
    if (n != 0)
        return;
    (void) close(guard->output_fd); /* nobody can print any more */
    guard->output_fd = -1;
}

/* It may be gone; then its number is still nobody else's. */
static bool has_ended(pid_t subject)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t) subject, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

/* Orphans that ended by themselves. */
static void reap_orphans(pid_t subject)
{
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid &&
           info.si_pid != subject) {
        (void) waitpid(info.si_pid, NULL, WNOHANG | __WALL);
        info.si_pid = 0;
    }
}

/* Until the subject or the observer has ended, or the observer wants the end. */
static void watch(struct guard *guard, const sigset_t *while_waiting)
{
    pid_t subject = guard->report.subject;

    for (;;) {
        struct pollfd fds[] = {{.fd = guard->observer_fd, .events = POLLIN},
                               {.fd = guard->output_fd, .events = POLLIN}};
        reap_orphans(subject);
        if (has_ended(subject) || getppid() != guard->observer)
            return;
        int ready = ppoll(fds, SL_COUNT_OF(fds), NULL, while_waiting);
        if (ready <= 0)
            continue;
        if (fds[1].revents)
            take_output(guard);
        if (fds[0].revents)
            return;
    }
}

/*
 * The subject keeps its number until the end, so that its group can be killed in every round; what
 * it had for children are ours when it has ended.
 */
static void end_all(struct guard *guard)
{
    pid_t subject = guard->report.subject;
    const struct children spared = {.pids = &subject, .n = 1};
    struct sl_ended *ended = &guard->report.ended;
    uint64_t deadline = sl_clock_now_ns() + END_NS;
    size_t left = 1;
    bool gone = false;

    (void) setpriority(PRIO_PROCESS, 0, PRIO_MIN); /* before processes that breed, where allowed */
    while ((!gone || left) && sl_clock_now_ns() < deadline) {
        uint32_t n = ended->n;
        (void) kill(-subject, SIGKILL);
        (void) kill(subject, SIGKILL);
        gone = has_ended(subject);
        left = children_end_round(&spared, ended);
        if (left && n == ended->n)
            sl_clock_sleep_ns(PAUSE_NS);
    }
    ended->n_living = (uint32_t) left + !gone;
    if (waitpid(subject, &guard->report.wait_status, WNOHANG) <= 0)
        guard->report.wait_status = SIGKILL;
}

int sl_guard_main(const struct sl_guard_task *task)
{
    struct guard guard = {.observer_fd = task->observer_fd, .output_fd = -1, .observer = getppid()};
    sigset_t while_waiting;

    (void) prctl(PR_SET_NAME, "subject-guard");
    (void) prctl(PR_SET_DUMPABLE, 0); /* the subject must not write to its guard's memory */
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    set_signals(&while_waiting);
    guard.printed = sl_printed_map(task->printed_fd);
    guard.report.error = guard.printed ? start_subject(&guard, task) : ENOMEM;
    tell(&guard, GUARD_STARTED);
    if (guard.report.error)
        return 1;
    watch(&guard, &while_waiting);
    end_all(&guard);
    take_output(&guard);
    tell(&guard, GUARD_ENDED);
    return 0;
}
