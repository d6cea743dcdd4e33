/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about files that may never be answered, each asked by a task of its own (killable.h),
 * which is given up when that takes too long. */
#ifndef SL_SNAPSHOT_KILLABLE_ERRAND_H
#define SL_SNAPSHOT_KILLABLE_ERRAND_H

#include <stdint.h>

/*
 * The results are those of the calls, or -errno: -ETIMEDOUT when it was given up, -ENOSYS when no
 * such task can be made.
 */

/*
 * Walk a path as openat2 with O_PATH does.  Where that is 0 the kernel knows the path by heart
 * afterwards, unless a program insists on being asked again.
 */
int sl_errand_walk(uint64_t limit_ns, int directory, const char *path, uint64_t flags,
                   uint64_t resolve);

/* The type of the file system that has the file, in statfs. */
int sl_errand_file_system(uint64_t limit_ns, int fd, int64_t *ret_type);

#endif
