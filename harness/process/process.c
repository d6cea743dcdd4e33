/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/file.h"

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
static void become(const struct sl_launch *launch, pid_t parent, int output_fd, int failure_fd)
{
    sigset_t none;

    if (launch->own_group)
        (void) setpgid(0, 0);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it had ended before the request above counted */
        _exit(EXEC_FAILED);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGINT, SIG_DFL);
    (void) signal(SIGTERM, SIG_DFL);

    if (launch->capture && !redirect_streams(output_fd))
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

enum sl_status sl_process_launch(const struct sl_launch *launch, struct sl_process *ret_process,
                                 struct sl_error *err)
{
    SL_AUTO_FD int output = -1;
    int failure[2];

    if (launch->capture) {
        output = memfd_create("strandline-output", MFD_CLOEXEC);
        if (output < 0 || fcntl(output, F_SETFL, O_APPEND) < 0)
            return sl_fail_errno(err, "cannot create a memory file for what '%s' prints",
                                 launch->argv[0]);
    }
    if (pipe2(failure, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe to '%s'", launch->argv[0]);
    SL_AUTO_FD int failure_read = failure[0], failure_write = failure[1];
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return sl_fail_errno(err, "cannot start '%s'", launch->argv[0]);
    if (pid == 0)
        become(launch, parent, output, failure_write);
    sl_fd_closep(&failure_write);
    failure_write = -1;
    errno = await_exec(pid, failure_read);
    if (errno == ENOENT)
        return sl_fail(err, SL_ENOENT, "there is no program '%s'", launch->program);
    if (errno)
        return sl_fail_errno(err, "cannot execute '%s'", launch->program);
    *ret_process = SL_PROCESS_NONE;
    ret_process->pid = pid;
    ret_process->output_fd = SL_TAKE_FD(output);
    return SL_OK;
}

enum sl_status sl_process_start(const char *title, bool with_desk, struct sl_process *ret_process,
                                struct sl_error *err)
{
    int in[2], out[2];
    char in_text[16], out_text[16], desk_text[16];
    SL_AUTO(sl_desk) struct sl_desk *desk = NULL;
    SL_AUTO_FD int desk_fd = -1;

    enum sl_status status = with_desk ? sl_desk_new(&desk, &desk_fd, err) : SL_OK;
    if (status)
        return status;
    if (pipe2(in, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe to the subject");
    SL_AUTO_FD int in_read = in[0], in_write = in[1];
    if (pipe2(out, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe from the subject");
    SL_AUTO_FD int out_read = out[0], out_write = out[1];

    (void) snprintf(in_text, sizeof in_text, "%d", in_read);
    (void) snprintf(out_text, sizeof out_text, "%d", out_write);
    (void) snprintf(desk_text, sizeof desk_text, "%d", desk_fd);
    const char *argv[] = {title,    SL_SUBJECT_COMMAND,           in_text,
                          out_text, with_desk ? desk_text : NULL, NULL};
    const int fds[] = {in_read, out_write, desk_fd};
    const struct sl_launch launch = {.program = "/proc/self/exe",
                                     .argv = argv,
                                     .fds = fds,
                                     .n_fds = SL_COUNT_OF(fds),
                                     .own_group = true,
                                     .capture = true};
    status = sl_process_launch(&launch, ret_process, err);
    if (status)
        return status;
    ret_process->to_fd = SL_TAKE_FD(in_write);
    ret_process->from_fd = SL_TAKE_FD(out_read);
    ret_process->desk = SL_TAKE(desk);
    return SL_OK;
}

bool sl_process_reap(struct sl_process *process, uint64_t timeout_ns)
{
    uint64_t deadline = sl_clock_now_ns() + timeout_ns;
    uint64_t pause = SL_NS_PER_MS / 4;
    bool by_itself = true;

    while (process->pid > 0) {
        if (process->desk)
            sl_desk_release(process->desk);
        pid_t got = waitpid(process->pid, &process->wait_status, by_itself ? WNOHANG : 0);
        if (got == process->pid || (got < 0 && errno == ECHILD)) {
            process->pid = 0;
        } else if (by_itself && sl_clock_now_ns() >= deadline) {
            (void) kill(process->pid, SIGKILL);
            by_itself = false;
        } else if (by_itself) {
            sl_clock_sleep_ns(pause);
            pause = SL_MIN(pause * 2, 10 * SL_NS_PER_MS);
        }
    }
    return by_itself;
}

void sl_process_end(struct sl_process *process)
{
    if (process->pid > 0)
        (void) kill(process->pid, SIGKILL);
    (void) sl_process_reap(process, 0);
    sl_desk_free(SL_TAKE(process->desk));
    sl_fd_closep(&process->to_fd);
    sl_fd_closep(&process->from_fd);
    sl_fd_closep(&process->output_fd);
    process->to_fd = process->from_fd = process->output_fd = -1;
}

void sl_process_output(const struct sl_process *process, char *ret_text, size_t size)
{
    off_t end = lseek(process->output_fd, 0, SEEK_END);
    off_t start = end > (off_t) (size - 1) ? end - (off_t) (size - 1) : 0;
    ssize_t got = end > 0 ? pread(process->output_fd, ret_text, (size_t) (end - start), start) : 0;

    ret_text[got > 0 ? got : 0] = '\0';
    for (char *at = ret_text; *at; at++)
        if ((unsigned char) *at < ' ')
            *at = ' ';
    for (size_t length = strlen(ret_text); length && ret_text[length - 1] == ' '; length--)
        ret_text[length - 1] = '\0';
}

void sl_process_describe_end(const struct sl_process *process, char *ret_text, size_t size)
{
    static const char printed[] = "; it printed: ";
    int status = process->wait_status;
    int used = WIFSIGNALED(status)
                   ? snprintf(ret_text, size, "was ended by signal %d (%s)", WTERMSIG(status),
                              strsignal(WTERMSIG(status)))
                   : snprintf(ret_text, size, "exited with status %d", WEXITSTATUS(status));
    char *rest = ret_text + used + strlen(printed);

    if (used < 0 || rest + 1 >= ret_text + size)
        return;
    sl_process_output(process, rest, (size_t) (ret_text + size - rest));
    if (*rest)
        memcpy(ret_text + used, printed, strlen(printed));
}

/* A line "KEY:   NUMBER kB" of /proc/PID/status, in bytes. */
static struct sl_value read_status_kib(pid_t pid, const char *key, const char *missing)
{
    char path[64], text[4096];

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) pid);
    const char *line = sl_file_read(path, text, sizeof text) ? strstr(text, key) : NULL;
    return line ? SL_VALUE(strtoull(line + strlen(key), NULL, 10) * 1024)
                : SL_MISSING_VALUE(missing);
}

struct sl_value sl_process_rss_peak(pid_t pid)
{
    return read_status_kib(pid, "\nVmHWM:", "the kernel did not give the peak memory");
}

struct sl_value sl_process_rss(pid_t pid)
{
    return read_status_kib(pid, "\nVmRSS:", "the kernel did not give the memory in use");
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
