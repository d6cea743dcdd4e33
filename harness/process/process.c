/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"

/* Exit status of a child that could not become a subject. */
#define EXEC_FAILED 127

static void clear_close_on_exec(int fd)
{
    int flags = fd >= 0 ? fcntl(fd, F_GETFD) : 0;
    (void) fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

/* In the child, between fork and exec: async-signal-safe calls only. */
static void become_subject(pid_t observer, const int fds[3], int output_fd, char *const argv[])
{
    sigset_t none;

    (void) setpgid(0, 0);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != observer) /* it had ended before the request above counted */
        _exit(EXEC_FAILED);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) signal(SIGPIPE, SIG_IGN); /* a write to a dead observer is an error, not a crash */
    (void) signal(SIGINT, SIG_DFL);
    (void) signal(SIGTERM, SIG_DFL);

    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output_fd, STDOUT_FILENO) < 0 ||
        dup2(output_fd, STDERR_FILENO) < 0)
        _exit(EXEC_FAILED);
    /* What our own caller left open is none of the subject's business. */
    (void) close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    for (int i = 0; i < 3; i++)
        clear_close_on_exec(fds[i]);
    (void) execv("/proc/self/exe", argv);
    _exit(EXEC_FAILED);
}

enum sl_status sl_process_start(const char *title, bool with_desk, struct sl_process *ret_process,
                                struct sl_error *err)
{
    int in[2], out[2];
    char in_text[16], out_text[16], desk_text[16];
    SL_AUTO(sl_desk) struct sl_desk *desk = NULL;
    SL_AUTO_FD int desk_fd = -1;
    SL_AUTO_FREE char *program = strdup(title);

    if (!program)
        return sl_fail(err, SL_ENOMEM, "out of memory for a subject");

    enum sl_status s = with_desk ? sl_desk_new(&desk, &desk_fd, err) : SL_OK;
    if (s)
        return s;
    SL_AUTO_FD int output = memfd_create("strandline-subject-output", MFD_CLOEXEC);
    if (output < 0 || fcntl(output, F_SETFL, O_APPEND) < 0)
        return sl_fail_errno(err, "cannot create a memory file for the subject's output");
    if (pipe2(in, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe to the subject");
    SL_AUTO_FD int in_read = in[0], in_write = in[1];
    if (pipe2(out, O_CLOEXEC) < 0)
        return sl_fail_errno(err, "cannot create a pipe from the subject");
    SL_AUTO_FD int out_read = out[0], out_write = out[1];

    (void) snprintf(in_text, sizeof in_text, "%d", in_read);
    (void) snprintf(out_text, sizeof out_text, "%d", out_write);
    char command[] = SL_SUBJECT_COMMAND;
    (void) snprintf(desk_text, sizeof desk_text, "%d", desk_fd);
    char *argv[] = {program, command, in_text, out_text, with_desk ? desk_text : NULL, NULL};
    pid_t observer = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return sl_fail_errno(err, "cannot start a subject process");
    if (pid == 0)
        become_subject(observer, (int[]){in_read, out_write, desk_fd}, output, argv);
    *ret_process = (struct sl_process){
        .pid = pid,
        .to_fd = SL_TAKE_FD(in_write),
        .from_fd = SL_TAKE_FD(out_read),
        .output_fd = SL_TAKE_FD(output),
        .desk = SL_TAKE(desk),
    };
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
