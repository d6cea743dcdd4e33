/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files whose names a target made.
 *
 * Opening is not without effect: a FIFO makes its opener wait, a device may start to do
 * something.  So nothing is opened before it is known to be a regular file.
 */
#ifndef SL_SNAPSHOT_TARGET_REGULAR_H
#define SL_SNAPSHOT_TARGET_REGULAR_H

#include "harness/snapshot/target/target.h"

/* A regular file, open for reading; -1 when it is none or can not be had. */
int sl_regular_open(const char *path);

/* The same for a path as the target sees it: links do not lead out of its root directory. */
int sl_regular_open_in(const struct sl_target *target, const char *path);

/*
 * As the target sees the path, else as this process does: the first that is_it takes, when that is
 * not NULL.
 */
int sl_regular_open_either(const struct sl_target *target, const char *path,
                           bool (*is_it)(int fd, const void *context), const void *context);

/* As the target sees it, where somebody else may have put a link to another's file: then -1. */
int sl_regular_open_itself_in(const struct sl_target *target, const char *path);

#endif
