/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/sandbox/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/wait.h"
#include "harness/snapshot/sandbox/filter.h"
#include "harness/snapshot/sandbox/message.h"

#define NOBODY      65534 /* the kernel's overflow id */
#define MAX_FILES   1024
#define PATIENCE_NS (5 * SL_NS_PER_S) /* for the first sign of life, on a busy machine */
#define GLANCE_NS   (10 * SL_NS_PER_MS)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* by a run-time library that takes terabytes of addresses, and more calls */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Bytes of addresses that this process has; 0: not known. */
static uint64_t address_space(void)
{
    char text[64];
    SL_AUTO_FD int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (got <= 0)
        return 0;
    text[got] = '\0';
    return strtoull(text, NULL, 10) * (uint64_t) sysconf(_SC_PAGESIZE);
}

static bool set_limit(int what, uint64_t most)
{
    struct rlimit limit;

    if (getrlimit(what, &limit))
        return false;
    limit.rlim_cur = limit.rlim_max = SL_MIN(limit.rlim_cur, most);
    return setrlimit(what, &limit) == 0;
}

static bool set_limits(const struct sl_sandbox_work *work, uint64_t addresses)
{
    return set_limit(RLIMIT_CORE, 0) && set_limit(RLIMIT_FSIZE, 0) &&
           set_limit(RLIMIT_NOFILE, MAX_FILES) &&
           set_limit(RLIMIT_CPU, work->max_cpu_ns / SL_NS_PER_S + 1) &&
           (SANITIZED || set_limit(RLIMIT_AS, addresses + work->max_memory));
}

/*
 * Of this thread alone, which is the only one: the C library would ask those of the other process.
 * Where a name space has no such ids the capabilities go all the same, and with the filter there is
 * no call left in which ids matter.
 */
static bool drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0}};

    (void) syscall(SYS_setgroups, 0, NULL);
    (void) syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY);
    (void) syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
    return syscall(SYS_capset, &header, none) == 0;
}

static bool keep_only(int socket)
{
    return (socket == 0 || close_range(0, (unsigned) socket - 1, 0) == 0) &&
           close_range((unsigned) socket + 1, UINT_MAX, 0) == 0;
}

/*
 * Takes the locks that malloc has for this thread.  In the sandbox one that another thread held is
 * met here, or never; before, one that is held for long has been waited for.
 */
static bool has_memory(void)
{
    void *volatile little = malloc(2000), *volatile more = malloc((size_t) 64 * 1024);
    bool ok = little && more;

    free(little);
    free(more);
    return ok;
}

/* All of the sandbox's life.  Signals are blocked; one that can not be is the end. */
static __attribute__((noreturn)) void
live(int socket, const struct sl_sandbox_work *work, uint64_t addresses)
{
    char alive = 1;
    const struct iovec sign = {.iov_base = &alive, .iov_len = sizeof alive};

    /* Ids change the signal and who may look at the process, so both come after them. */
    if (keep_only(socket) && set_limits(work, addresses) && drop_privileges() &&
        prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && (SANITIZED || sl_sandbox_filter()) &&
        has_memory() && sl_message_send(socket, &sign, 1, NULL, 0))
        work->serve(socket, work->context);
    _exit(0);
}

/* Does the process wait for something?  False also when nobody may know. */
static bool is_asleep(pid_t pid)
{
    char path[32], text[256];

    (void) snprintf(path, sizeof path, "/proc/%ld/stat", (long) pid);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[SL_MAX(got, 0)] = '\0';
    const char *state = strrchr(text, ')');
    return state && strncmp(state, ") S", 3) == 0;
}

/*
 * Until the sandbox gives its first sign, before which it has nothing to wait for but a lock that
 * nobody gives back.  @return false when it waits for that, or long
 */
static bool await_sign(const struct sl_sandbox *sandbox, uint64_t end_ns)
{
    while (!sl_wait_ready(sandbox->socket, POLLIN, sl_clock_now_ns() + GLANCE_NS))
        if (is_asleep(sandbox->pid) || sl_clock_now_ns() >= end_ns)
            return sl_wait_ready(sandbox->socket, POLLIN, 0);
    return true;
}

/* @return 1, and the sandbox lives; 0: it is to be tried again; -1 with errno */
static int
try_start(const struct sl_sandbox_work *work, uint64_t end_ns, struct sl_sandbox *ret_sandbox)
{
    const uint64_t addresses = address_space();
    sigset_t all, old;
    int sockets[2];
    char alive;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
        return -1;
    (void) fcntl(sockets[0], F_SETFL, O_NONBLOCK);
    /* No handler of the program's runs in the copy. */
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);
    (void) has_memory();
    long pid = syscall(SYS_clone, 0L, NULL, NULL, NULL, 0L);
    if (!pid)
        live(sockets[1], work, addresses);
    int error = errno;
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void) close(sockets[1]);
    if (pid < 0) {
        (void) close(sockets[0]);
        errno = error;
        return -1;
    }
    *ret_sandbox = (struct sl_sandbox){.pid = (pid_t) pid, .socket = sockets[0]};
    bool ready = await_sign(ret_sandbox, end_ns);
    /* Where it got another user's id, a right of ours has to reach it. */
    if (ready && recv(sockets[0], &alive, sizeof alive, 0) == sizeof alive &&
        kill(ret_sandbox->pid, 0) == 0)
        return 1;
    (void) sl_sandbox_end(ret_sandbox);
    errno = EPERM;
    return ready ? -1 : 0;
}

const char *sl_sandbox_start(const struct sl_sandbox_work *work, struct sl_sandbox *ret_sandbox)
{
    const uint64_t end_ns = sl_clock_now_ns() + PATIENCE_NS;
    int started = 0;

    while (!started && sl_clock_now_ns() < end_ns)
        started = try_start(work, end_ns, ret_sandbox);
    if (started > 0)
        return NULL;
    if (!started)
        return "a process to read them in does not begin";
    return errno == EPERM ? "a process without rights cannot be made here"
                          : "there is no room for another process";
}

int sl_sandbox_end(struct sl_sandbox *sandbox)
{
    int status = 0;

    if (!sandbox->pid)
        return 0;
    (void) close(sandbox->socket);
    (void) kill(sandbox->pid, SIGKILL);
    while (waitpid(sandbox->pid, &status, __WALL) < 0 && errno == EINTR)
        continue;
    *sandbox = (struct sl_sandbox){.socket = -1};
    return status;
}
