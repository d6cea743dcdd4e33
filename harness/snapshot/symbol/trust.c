/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/trust.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/target/identity.h"

#define MAX_SIZE ((off_t) 2 * 1024 * 1024 * 1024)
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

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

/* @param other  who may own it besides root */
static bool is_safe(const struct sl_target *target, int fd, uid_t other)
{
    struct stat stat;
    struct statfs system;

    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
           (!stat.st_uid || stat.st_uid == other) && !(stat.st_mode & (S_IWGRP | S_IWOTH)) &&
           stat.st_size <= MAX_SIZE && fstatfs(fd, &system) == 0 &&
           system.f_type != FUSE_SUPER_MAGIC && sl_target_is_in_own_world(target);
}

bool sl_trust_file(const struct sl_target *target, int fd)
{
    return is_safe(target, fd, 0) && is_installed(fd);
}

bool sl_trust_owner(const struct sl_target *target, int fd)
{
    return is_safe(target, fd, geteuid());
}
