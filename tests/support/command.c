/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_SECONDS 120u

static pid_t start(const struct command *command, int output_fd, int errors_fd)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    cr_assert_geq(pid, 0, "cannot fork");
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    /* A shell has what it starts behind itself ignore them, and so has nohup. */
    (void) signal(SIGHUP, SIG_DFL);
    (void) signal(SIGINT, SIG_DFL);
    (void) signal(SIGQUIT, SIG_DFL);
    if (command->memory) {
        const struct rlimit limit = {command->memory, command->memory};
        (void) setrlimit(RLIMIT_AS, &limit);
    }
    if (command->directory && chdir(command->directory) < 0)
        _exit(127);
    if (dup2(output_fd, STDOUT_FILENO) < 0 || dup2(errors_fd, STDERR_FILENO) < 0)
        _exit(127);
    (void) execvp(command->argv[0], (char *const *) command->argv);
    _exit(127);
}

/* A descriptor that becomes readable when the process ends; reads no status away. */
static bool ends_within(pid_t pid, unsigned seconds)
{
    int fd = (int) syscall(SYS_pidfd_open, pid, 0);
    cr_assert_geq(fd, 0, "cannot watch process %ld", (long) pid);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&end, 1, (int) (seconds ? seconds : DEFAULT_SECONDS) * 1000);
    while (ready < 0 && errno == EINTR);
    (void) close(fd);
    return ready > 0;
}

static int collect(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        cr_assert_eq(errno, EINTR, "cannot wait for process %ld", (long) pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What was written; it stays as long as the test, which is a process of its own. */
static char *read_back(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END) + 1;
    cr_assert_eq(ftruncate(fd, size), 0);
    char *text = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    cr_assert_neq(text, MAP_FAILED);
    (void) close(fd);
    return text;
}

struct command_result command_run(const struct command *command)
{
    int output = memfd_create("output", MFD_CLOEXEC);
    int errors = memfd_create("errors", MFD_CLOEXEC);
    cr_assert(output >= 0 && errors >= 0, "cannot create memory files");

    pid_t pid = start(command, output, errors);
    struct command_result result = {.killed = !ends_within(pid, command->seconds)};
    if (result.killed)
        (void) kill(pid, SIGKILL);
    result.status = collect(pid);
    result.output = read_back(output);
    result.errors = read_back(errors);
    cr_assert(!strstr(result.errors, "LeakSanitizer"), "%s", result.errors);
    return result;
}

pid_t command_start(const struct command *command)
{
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(nothing, 0);
    pid_t pid = start(command, nothing, nothing);
    (void) close(nothing);
    return pid;
}

int command_wait(pid_t pid, unsigned seconds)
{
    cr_assert(ends_within(pid, seconds), "process %ld did not end", (long) pid);
    return collect(pid);
}
