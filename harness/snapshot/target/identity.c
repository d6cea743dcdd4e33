/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"

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

bool sl_target_is_in_own_world(const struct sl_target *target)
{
    struct world own, other;
    return read_world(NULL, &own) && read_world(target, &other) &&
           is_same(&own.root, &other.root) && is_same(&own.mounts, &other.mounts);
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
