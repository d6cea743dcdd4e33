/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/keeper_end.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define PAUSE_NS SL_NS_PER_MS

void keeper_end_group(pid_t leader)
{
    do {
        (void) kill(-leader, SIGKILL);
        (void) kill(leader, SIGKILL); /* which has no group yet when it was forked just now */
    } while (waitpid(-leader, NULL, 0) > 0 || waitpid(leader, NULL, 0) > 0 || errno == EINTR);
}

/* A number at the start of a text; what follows it does not matter. */
static pid_t number_of(const char *text)
{
    pid_t number = 0;

    for (; isdigit((unsigned char) *text); text++)
        number = number * 10 + (*text - '0');
    return number;
}

/* pid: a name in /proc.  @return 0 when it is gone */
static pid_t parent_of(int proc, const char *pid)
{
    char path[NAME_MAX + sizeof "/stat"], text[512];

    (void) strcpy(stpcpy(path, pid), "/stat");
    SL_AUTO_FD int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    /* "PID (NAME) STATE PARENT ...", and a name may have anything in it. */
    const char *end = strrchr(text, ')');
    return end && strlen(end) > strlen(") S ") ? number_of(end + strlen(") S ")) : 0;
}

static void kill_children(void)
{
    _Alignas(struct dirent64) char buffer[4096];
    ssize_t size;

    SL_AUTO_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return;
    while ((size = getdents64(proc, buffer, sizeof buffer)) > 0) {
        const struct dirent64 *entry;
        for (ssize_t at = 0; at < size; at += entry->d_reclen) {
            entry = (const struct dirent64 *) (buffer + at);
            if (isdigit((unsigned char) *entry->d_name) &&
                parent_of(proc, entry->d_name) == getpid())
                (void) kill(number_of(entry->d_name), SIGKILL);
        }
    }
}

void keeper_end_all(uint64_t deadline_ns)
{
    for (;;) {
        kill_children();
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0 || sl_clock_now_ns() >= deadline_ns)
            return;
        sl_clock_sleep_ns(PAUSE_NS);
    }
}
