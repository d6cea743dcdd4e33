/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory for one run's temporary files, which is recognised when it is left over.
 *
 * It holds a lock file that its owner keeps locked.  The file gets its name only after it
 * was locked, so a directory with a lock file that nobody holds has lost its owner.
 *
 * create and remove use system calls only: they may be called after fork in a process
 * that had several threads.
 */
#ifndef SL_SERVER_PRIVATE_DIR_H
#define SL_SERVER_PRIVATE_DIR_H

#include <limits.h>
#include <stdbool.h>

#include <strandline/error.h>

/* A path for a new directory: $TMPDIR when it is absolute, else /tmp; then a random name. */
SL_CHECKED enum sl_status sl_private_dir_name(char ret_path[PATH_MAX], struct sl_error *err);

/*
 * Create and lock it, for this user only.
 *
 * @param ret_lock_fd  the directory counts as left over once this is closed everywhere
 * @return descriptor of the directory, or -1 with errno set and nothing created
 */
int sl_private_dir_create(const char *path, int *ret_lock_fd);

/* Remove it and what it holds; links are removed, never followed.  @return it is gone */
bool sl_private_dir_remove(const char *path);

/* Remove those that were left over beside path, a path that sl_private_dir_name made. */
void sl_private_dir_sweep(const char *path);

#endif
