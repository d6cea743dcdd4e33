/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that may never return, made by somebody who can be given up.
 *
 * Memory behind a userfaultfd and files of a FUSE file system are answered by a program, which may
 * be the target.  Who waits for it can only be killed, and a thread can not be killed alone.  So
 * the call is made by a task of its own, which shares our memory but is none of our threads, makes
 * nothing but this one system call, and is killed when that takes too long.
 *
 * A task that not even SIGKILL reaches, as where a FUSE file system has taken a request, is left to
 * the kernel, which ends it when the file system goes.  What it was to write to is never used
 * again.
 */
#ifndef SL_SNAPSHOT_TARGET_ERRAND_H
#define SL_SNAPSHOT_TARGET_ERRAND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The results are those of the calls, or -errno: -ETIMEDOUT when it was given up, -ENOSYS when no
 * such task can be made.
 */
ssize_t
sl_errand_read_memory(uint64_t limit_ns, pid_t pid, uint64_t address, void *data, size_t size);

/*
 * Walk a path as openat2 with O_PATH does.  Where that is 0 the kernel knows the path by heart
 * afterwards, unless a program insists on being asked again.
 */
int sl_errand_walk(uint64_t limit_ns, int directory, const char *path, uint64_t flags,
                   uint64_t resolve);

/* The type of the file system that has the file, in statfs. */
int sl_errand_file_system(uint64_t limit_ns, int fd, int64_t *ret_type);

/* Take leave of the tasks that were given up, as far as they end in time. */
void sl_errand_reap(uint64_t limit_ns);

#endif
