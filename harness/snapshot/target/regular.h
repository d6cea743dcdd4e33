/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files whose names a target made.
 *
 * Opening is not without effect: a FIFO makes its opener wait, a device may start to do
 * something, and what is read may be shown.  So nothing is opened before it is known to be a
 * regular file, nothing with more rights than the owner of the target has (owner.h), and nothing in
 * a file system that a program makes, which need not answer (errno is ETIMEDOUT).  All return a
 * descriptor for reading, or -1.
 */
#ifndef SL_SNAPSHOT_TARGET_REGULAR_H
#define SL_SNAPSHOT_TARGET_REGULAR_H

#include "harness/snapshot/target/target.h"

/* What no target chose: any regular file. */
int sl_regular_open(const char *path);

/* By a path as the target sees it: links do not lead out of its root directory. */
int sl_regular_open_in(const struct sl_target *target, const char *path);

/*
 * By a path as this process sees it, where the target lives among the same mounts, in a root
 * directory of its own perhaps; elsewhere only in the folder of debug files by build-id.
 */
int sl_regular_open_here(const struct sl_target *target, const char *path);

/* By a link of the kernel's that stands for a file, its name from the target's task directory on.
 */
int sl_regular_open_link(const struct sl_target *target, const char *link);

/*
 * As the target sees the path, else as this process does: the first that is_it takes, when that is
 * not NULL.
 */
int sl_regular_open_either(const struct sl_target *target, const char *path,
                           bool (*is_it)(int fd, const void *context), const void *context);

/* As the target sees it, where somebody else may have put a link to another's file: then -1. */
int sl_regular_open_itself_in(const struct sl_target *target, const char *path);

#endif
