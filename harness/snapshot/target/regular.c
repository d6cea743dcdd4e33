/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/regular.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"

/* What a descriptor of O_PATH stands for, opened if it is a regular file. */
static int reopen(int path_fd)
{
    struct stat stat;
    char path[64];

    if (path_fd < 0 || fstat(path_fd, &stat) || !S_ISREG(stat.st_mode))
        return -1;
    /* Of the thread: some have a table of descriptors of their own (crew.h). */
    (void) snprintf(path, sizeof path, "/proc/thread-self/fd/%d", path_fd);
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int sl_regular_open(const char *path)
{
    SL_AUTO_FD int path_fd = open(path, O_PATH | O_CLOEXEC);
    return reopen(path_fd);
}

static int open_in(const struct sl_target *target, const char *path, uint64_t flags)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags,
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    char name[32];

    (void) snprintf(name, sizeof name, "%ld/root", (long) target->tid);
    SL_AUTO_FD int root = openat(target->task_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -1;
    SL_AUTO_FD int path_fd = (int) syscall(SYS_openat2, root, path, &how, sizeof how);
    return reopen(path_fd);
}

int sl_regular_open_in(const struct sl_target *target, const char *path)
{
    return open_in(target, path, 0);
}

int sl_regular_open_either(const struct sl_target *target, const char *path,
                           bool (*is_it)(int fd, const void *context), const void *context)
{
    for (int own = 0; own < 2; own++) {
        int fd = own ? sl_regular_open(path) : sl_regular_open_in(target, path);
        if (fd >= 0 && (!is_it || is_it(fd, context)))
            return fd;
        if (fd >= 0)
            (void) close(fd);
    }
    return -1;
}

int sl_regular_open_itself_in(const struct sl_target *target, const char *path)
{
    return open_in(target, path, O_NOFOLLOW);
}
