/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/wait.h"
#include "harness/process/guard.h"
#include "harness/process/launch.h"

#define START_NS (30 * SL_NS_PER_S)  /* for a guard to start its subject */
#define END_NS   (5 * SL_NS_PER_S)   /* for what is killed to end */
#define LOOK_NS  (10 * SL_NS_PER_MS) /* at the desk, while the subject is waited for */

static bool adopts_orphans; /* set once, before the first subject */

void sl_process_adopt_orphans(void)
{
    adopts_orphans = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

/* The subject's descriptors; in words, those of the guard's command line. */
struct ends {
    int observer, printed; /* the guard's own */
    int in, out, desk;     /* the subject's; desk -1: none */
};

static void close_ends(const struct ends *ends)
{
    sl_fd_closep(&ends->observer);
    sl_fd_closep(&ends->printed);
    sl_fd_closep(&ends->in);
    sl_fd_closep(&ends->out);
    sl_fd_closep(&ends->desk);
}

/* What both sides need: ours into the process, the others into ret_ends. */
static enum sl_status connect_ends(bool with_desk, struct sl_process *process,
                                   struct ends *ret_ends, struct sl_error *err)
{
    int pair[2];

    enum sl_status status = with_desk ? sl_desk_new(&process->desk, &ret_ends->desk, err) : SL_OK;
    if (!status)
        status = sl_printed_new(&process->printed, &ret_ends->printed, err);
    if (status)
        return status;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return sl_fail_errno(err, "cannot create a socket pair for the guard of the subject");
    process->guard_fd = pair[0];
    ret_ends->observer = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe to the subject");
    ret_ends->in = pair[0];
    process->to_fd = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe from the subject");
    process->from_fd = pair[0];
    ret_ends->out = pair[1];
    return SL_OK;
}

static enum sl_status
launch_guard(const char *title, const struct ends *ends, pid_t *ret_guard, struct sl_error *err)
{
    const int fds[] = {ends->observer, ends->printed, ends->in, ends->out, ends->desk};
    char texts[SL_COUNT_OF(fds)][16];
    const char *argv[SL_COUNT_OF(fds) + 3] = {title, SL_GUARD_COMMAND};

    for (size_t i = 0; i < SL_COUNT_OF(fds) && fds[i] >= 0; i++) {
        (void) snprintf(texts[i], sizeof texts[i], "%d", fds[i]);
        argv[i + 2] = texts[i];
    }
    const struct sl_launch launch = {.program = "/proc/self/exe",
                                     .argv = argv,
                                     .fds = fds,
                                     .n_fds = SL_COUNT_OF(fds),
                                     .own_session = true};
    return sl_process_launch(&launch, ret_guard, err);
}

/* @return false: the guard has gone without a word */
static bool
read_report(const struct sl_process *process, uint64_t deadline_ns, struct guard_report *ret_report)
{
    return sl_wait_ready(process->guard_fd, POLLIN, deadline_ns) &&
           recv(process->guard_fd, ret_report, sizeof *ret_report, MSG_DONTWAIT) ==
               (ssize_t) sizeof *ret_report;
}

static enum sl_status await_start(struct sl_process *process, struct sl_error *err)
{
    struct guard_report report;

    if (!read_report(process, sl_clock_now_ns() + START_NS, &report))
        return sl_fail(err, SL_EGONE, "the guard of the subject did not start it");
    if (report.error) {
        errno = report.error;
        return sl_fail_errno(err, "cannot start the subject");
    }
    process->pid = report.subject;
    process->pid_fd = (int) syscall(SYS_pidfd_open, process->pid, 0);
    return SL_OK;
}

enum sl_status sl_process_start(const char *title, bool with_desk, struct sl_process *ret_process,
                                struct sl_error *err)
{
    SL_CLEANUP(close_ends) struct ends ends = {-1, -1, -1, -1, -1};
    struct sl_process process = SL_PROCESS_NONE;

    enum sl_status status = connect_ends(with_desk, &process, &ends, err);
    if (!status && adopts_orphans)
        status = children_list(&process.before, err);
    if (!status)
        status = launch_guard(title, &ends, &process.guard, err);
    close_ends(&ends); /* what the other side has is to end with it */
    ends = (struct ends){-1, -1, -1, -1, -1};
    if (!status)
        status = await_start(&process, err);
    if (status)
        sl_process_end(&process);
    else
        *ret_process = process;
    return status;
}

/* It has nothing left to do, or can do nothing any more. */
static void end_guard(struct sl_process *process)
{
    if (process->guard <= 0)
        return;
    (void) kill(process->guard, SIGKILL);
    while (waitpid(process->guard, &process->guard_status, 0) < 0 && errno == EINTR)
        continue;
    process->guard = 0;
}

/* End what a guard has left to us.  @return how many processes are still there */
static size_t end_orphans(struct sl_process *process, uint64_t deadline)
{
    size_t left = 0;

    while (adopts_orphans && (left = children_end_round(&process->before, &process->ended)) &&
           sl_clock_now_ns() < deadline)
        sl_clock_sleep_ns(SL_NS_PER_MS / 4);
    return left;
}

/* A guard that did not do its work leaves it to us, as far as we can see what there is. */
static void end_without_guard(struct sl_process *process)
{
    uint64_t deadline = sl_clock_now_ns() + END_NS;

    end_guard(process);
    process->wait_status = SIGKILL;
    if (process->pid_fd >= 0) {
        (void) syscall(SYS_pidfd_send_signal, process->pid_fd, SIGKILL, NULL, 0);
        (void) sl_wait_ready(process->pid_fd, POLLIN, deadline);
    }
    (void) waitpid(process->pid, &process->wait_status, WNOHANG | __WALL); /* if it was adopted */
    process->pid = 0;
    process->ended.n_living = (uint32_t) end_orphans(process, deadline);
}

static void finish(struct sl_process *process)
{
    struct guard_report report;

    if (!read_report(process, 0, &report) || report.event != GUARD_ENDED) {
        end_without_guard(process);
        return;
    }
    end_guard(process);
    process->guard_status = 0;
    process->wait_status = report.wait_status;
    process->ended = report.ended;
    process->pid = 0;
    if (process->ended.n_living && adopts_orphans) /* it may have been kept from seeing them */
        process->ended.n_living = (uint32_t) end_orphans(process, sl_clock_now_ns() + END_NS);
}

bool sl_process_reap(struct sl_process *process, uint64_t timeout_ns)
{
    uint64_t deadline = sl_clock_now_ns() + timeout_ns;
    bool by_itself = true;

    if (process->guard > 0)
        (void) kill(process->guard, SIGCONT); /* a driver may have stopped it */
    while (process->pid > 0) {
        if (process->desk)
            sl_desk_release(process->desk);
        if (sl_wait_ready(process->guard_fd, POLLIN, SL_MIN(deadline, sl_clock_now_ns() + LOOK_NS)))
            finish(process);
        else if (sl_clock_now_ns() < deadline)
            continue;
        else if (!by_itself)
            end_without_guard(process);
        else {
            by_itself = false;
            deadline = sl_clock_now_ns() + 2 * END_NS;
            (void) shutdown(process->guard_fd, SHUT_WR);
        }
    }
    return by_itself;
}

void sl_process_end(struct sl_process *process)
{
    (void) sl_process_reap(process, 0);
    end_guard(process);
    sl_desk_free(SL_TAKE(process->desk));
    sl_printed_free(SL_TAKE(process->printed));
    children_release(&process->before);
    sl_fd_closep(&process->pid_fd);
    sl_fd_closep(&process->guard_fd);
    sl_fd_closep(&process->to_fd);
    sl_fd_closep(&process->from_fd);
    process->pid_fd = process->guard_fd = process->to_fd = process->from_fd = -1;
}

static int describe_status(int status, char *ret_text, size_t size)
{
    return WIFSIGNALED(status)
               ? snprintf(ret_text, size, "was ended by signal %d (%s)", WTERMSIG(status),
                          strsignal(WTERMSIG(status)))
               : snprintf(ret_text, size, "exited with status %d", WEXITSTATUS(status));
}

void sl_process_describe_end(const struct sl_process *process, char *ret_text, size_t size)
{
    static const char printed[] = "; it printed: ";
    char guard[128];
    int used;

    if (process->guard_status) {
        (void) describe_status(process->guard_status, guard, sizeof guard);
        used = snprintf(ret_text, size, "lost its guard, which %s", guard);
    } else {
        used = describe_status(process->wait_status, ret_text, size);
    }
    char *rest = ret_text + used + strlen(printed);

    if (used < 0 || rest + 1 >= ret_text + size)
        return;
    sl_printed_last(process->printed, rest, (size_t) (ret_text + size - rest));
    if (*rest)
        memcpy(ret_text + used, printed, strlen(printed));
}

/* A line "KEY:   NUMBER" of /proc/PID/status, in units of so much. */
static struct sl_value read_status(pid_t pid, const char *key, uint64_t unit, const char *missing)
{
    char path[64], text[4096];

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) pid);
    const char *line = sl_file_read(path, text, sizeof text) ? strstr(text, key) : NULL;
    return line ? SL_VALUE(strtoull(line + strlen(key), NULL, 10) * unit)
                : SL_MISSING_VALUE(missing);
}

struct sl_value sl_process_rss_peak(pid_t pid)
{
    return read_status(pid, "\nVmHWM:", 1024, "the kernel did not give the peak memory");
}

struct sl_value sl_process_rss(pid_t pid)
{
    return read_status(pid, "\nVmRSS:", 1024, "the kernel did not give the memory in use");
}

struct sl_value sl_process_threads(pid_t pid)
{
    return read_status(pid, "\nThreads:", 1, "the kernel did not give the number of threads");
}

struct sl_value sl_process_fds(pid_t pid)
{
    char path[64];
    uint64_t n_fds = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/fd", (long) pid);
    DIR *directory = opendir(path);
    if (!directory)
        return SL_MISSING_VALUE("the descriptors of the subject could not be listed");
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            n_fds++;
    (void) closedir(directory);
    return SL_VALUE(n_fds);
}
