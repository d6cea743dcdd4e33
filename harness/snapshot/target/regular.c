/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/snapshot/killable/errand.h"

#define ANSWER_NS  (250 * SL_NS_PER_MS) /* a file server that lives has answered by then */
#define MAX_SILENT 4 /* paths; after so many nobody is asked for what is not known by heart */
#define BUILD_IDS  "/usr/lib/debug/.build-id/"
#define ROOT       "/"

/* How long somebody may be waited for. */
static uint64_t patience(const struct sl_target *target)
{
    return SL_MIN(ANSWER_NS, sl_budget_left(target->budget, SL_BUDGET_TIME));
}

/*
 * Is the file in a file system that a program may make?  It need never answer who opens or reads.
 * Such have no device of their own.
 */
static bool may_be_silent(const struct sl_target *target, int fd, dev_t device)
{
    struct sl_budget *budget = target->budget;
    int64_t type = 0;

    if (major(device))
        return false;
    if (budget && atomic_load(&budget->silent_device) == device)
        return true;
    int result = sl_errand_file_system(patience(target), fd, &type);
    if (result != -ETIMEDOUT && type != FUSE_SUPER_MAGIC)
        return false;
    if (budget)
        atomic_store(&budget->silent_device, device);
    return true;
}

/* By what is known already: who makes the file system is not asked. */
static bool is_regular(int path_fd, dev_t *ret_device)
{
    struct statx stat;

    if (path_fd < 0 || statx(path_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stat))
        return false;
    *ret_device = makedev(stat.stx_dev_major, stat.stx_dev_minor);
    return S_ISREG(stat.stx_mode);
}

/* What a descriptor of O_PATH stands for, open for reading. */
static int reopen(int path_fd)
{
    char path[64];

    /* Of the thread: some have a table of descriptors of their own (crew.h). */
    (void) snprintf(path, sizeof path, "/proc/thread-self/fd/%d", path_fd);
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int reopen_safely(const struct sl_target *target, int path_fd)
{
    dev_t device;

    if (!is_regular(path_fd, &device)) {
        errno = EINVAL;
        return -1;
    }
    if (may_be_silent(target, path_fd, device)) {
        errno = ETIMEDOUT;
        return -1;
    }
    return reopen(path_fd);
}

static int reopen_as_owner(const struct sl_target *target, int path_fd)
{
    struct sl_owner own;

    if (path_fd < 0 || !sl_owner_become(&target->owner, &own))
        return -1;
    int fd = reopen_safely(target, path_fd);
    sl_owner_leave(&target->owner, &own);
    return fd;
}

/* Walk the path, so that the kernel knows it by heart, where that takes a moment only. */
static int
learn(const struct sl_target *target, int root, const char *path, uint64_t flags, uint64_t resolve)
{
    struct sl_budget *budget = target->budget;

    if (budget && atomic_load(&budget->n_silent) >= MAX_SILENT)
        return -ETIMEDOUT;
    int walked = sl_errand_walk(patience(target), root, path, flags, resolve);
    if (budget && walked == -ETIMEDOUT)
        (void) atomic_fetch_add(&budget->n_silent, 1);
    return walked;
}

/* The path below the root; what the kernel does not know by heart is asked for by somebody else. */
static int find(const struct sl_target *target, int root, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED};

    int fd = (int) syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINVAL))
        return fd;
    bool unknown = errno == EINVAL; /* to an older kernel, what it is asked for */
    int walked = learn(target, root, path, flags, how.resolve & ~(uint64_t) RESOLVE_CACHED);
    if (walked == -ENOSYS || (unknown && walked != -ETIMEDOUT))
        how.resolve &= ~(uint64_t) RESOLVE_CACHED;
    else if (walked < 0)
        return -1;
    return (int) syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int open_below(const struct sl_target *target, int root, const char *path, uint64_t flags)
{
    struct sl_owner own;

    if (root < 0 || !sl_owner_become(&target->owner, &own))
        return -1;
    SL_AUTO_FD int path_fd = find(target, root, path, flags);
    int fd = reopen_safely(target, path_fd);
    sl_owner_leave(&target->owner, &own);
    return fd;
}

static int open_in(const struct sl_target *target, const char *path, uint64_t flags)
{
    char name[32];

    (void) snprintf(name, sizeof name, "%ld/root", (long) target->tid);
    SL_AUTO_FD int root = openat(target->task_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return open_below(target, root, path, flags);
}

/* Do paths mean the same to the target as to us, but for its root directory? */
static bool has_our_mounts(const struct sl_target *target)
{
    char name[32], own[64] = "", others[64] = "";

    (void) snprintf(name, sizeof name, "%ld/ns/mnt", (long) target->tid);
    return readlink("/proc/self/ns/mnt", own, sizeof own - 1) > 0 &&
           readlinkat(target->task_fd, name, others, sizeof others - 1) > 0 &&
           strcmp(own, others) == 0;
}

int sl_regular_open(const char *path)
{
    SL_AUTO_FD int path_fd = open(path, O_PATH | O_CLOEXEC);
    dev_t device;

    return is_regular(path_fd, &device) ? reopen(path_fd) : -1;
}

int sl_regular_open_in(const struct sl_target *target, const char *path)
{
    return open_in(target, path, 0);
}

int sl_regular_open_here(const struct sl_target *target, const char *path)
{
    bool by_build_id = strncmp(path, BUILD_IDS, strlen(BUILD_IDS)) == 0 && !strstr(path, "..");

    /* A path of another name space, where anybody may have made it, is none of ours. */
    if (!by_build_id && !has_our_mounts(target))
        return -1;
    SL_AUTO_FD int root = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return open_below(target, root, path, 0);
}

int sl_regular_open_link(const struct sl_target *target, const char *link)
{
    SL_AUTO_FD int path_fd = openat(target->task_fd, link, O_PATH | O_CLOEXEC);
    return reopen_as_owner(target, path_fd);
}

int sl_regular_open_either(const struct sl_target *target, const char *path,
                           bool (*is_it)(int fd, const void *context), const void *context)
{
    for (int here = 0; here < 2; here++) {
        int fd = here ? sl_regular_open_here(target, path) : sl_regular_open_in(target, path);
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
