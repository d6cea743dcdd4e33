/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/trust.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define MAX_SIZE ((off_t) 2 * 1024 * 1024 * 1024)
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* Root directory and mount namespace of the target, or of this process. */
struct world {
    struct stat root, mounts;
};

static bool read_world(const struct sl_target *target, struct world *ret_world)
{
    char root[32], mounts[32];

    if (!target)
        return stat("/", &ret_world->root) == 0 &&
               stat("/proc/thread-self/ns/mnt", &ret_world->mounts) == 0;
    (void) snprintf(root, sizeof root, "%ld/root", (long) target->tid);
    (void) snprintf(mounts, sizeof mounts, "%ld/ns/mnt", (long) target->tid);
    return fstatat(target->task_fd, root, &ret_world->root, 0) == 0 &&
           fstatat(target->task_fd, mounts, &ret_world->mounts, 0) == 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_own_world(const struct sl_target *target)
{
    struct world own, other;
    return read_world(NULL, &own) && read_world(target, &other) &&
           is_same(&own.root, &other.root) && is_same(&own.mounts, &other.mounts);
}

/* Where it is, and not what somebody called it. */
static bool is_installed(int fd)
{
    static const char *const places[] = {"/usr/", "/lib/", "/lib64/"};
    char name[64], path[64]; /* the start of it */

    (void) snprintf(name, sizeof name, "/proc/thread-self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    path[SL_MAX(length, 0)] = '\0';
    for (size_t i = 0; i < SL_COUNT_OF(places); i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0)
            return true;
    return false;
}

bool sl_trust_file(const struct sl_target *target, int fd)
{
    struct stat stat;
    struct statfs system;

    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && !stat.st_uid &&
           !(stat.st_mode & (S_IWGRP | S_IWOTH)) && stat.st_size <= MAX_SIZE &&
           fstatfs(fd, &system) == 0 && system.f_type != FUSE_SUPER_MAGIC && is_installed(fd) &&
           is_own_world(target);
}

bool sl_file_identity_of(const struct sl_target *target, int fd,
                         struct sl_file_identity *ret_identity)
{
    struct stat stat;
    struct world world;

    if (fd < 0 || fstat(fd, &stat) || !read_world(target, &world))
        return false;
    *ret_identity = (struct sl_file_identity){.device = stat.st_dev,
                                              .inode = stat.st_ino,
                                              .size = (uint64_t) stat.st_size,
                                              .changed_ns = sl_clock_of_timespec(&stat.st_ctim),
                                              .root_device = world.root.st_dev,
                                              .root_inode = world.root.st_ino,
                                              .mounts = world.mounts.st_ino};
    return true;
}
