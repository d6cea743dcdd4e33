/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a user in which looks leave files for later ones: strandline/ in
 * $XDG_CACHE_HOME, else in ~/.cache.
 *
 * It is used only while it is the user's own and nobody else may write to it, and so is each file.
 * What a file says is for its reader to check.
 */
#ifndef SL_SNAPSHOT_CACHE_FOLDER_H
#define SL_SNAPSHOT_CACHE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_FOLDER_MAX_FILE  ((size_t) 8 * 1024 * 1024)
#define SL_FOLDER_MAX_FILES 1024
#define SL_FOLDER_MAX_BYTES ((uint64_t) 64 * 1024 * 1024) /* of all files together, about */

/* Where it is, or would be.  @return false when nothing says so */
bool sl_folder_find(char *ret_path, size_t size);

/*
 * @param make  if it is not there
 * @return a descriptor; -1 with errno when there is none to be used: ENOENT when it is not there
 */
int sl_folder_open(bool make);

/* A whole file, which the caller frees; NULL when there is none to be used. */
void *sl_folder_read(int folder, const char *name, size_t *ret_size);

/*
 * A whole file, in the place of another one or not at all.  When it is a new one, those that were
 * not used for longest make room.
 */
bool sl_folder_write(int folder, const char *name, const void *data, size_t size);

/* Files in it, and their bytes. */
void sl_folder_measure(int folder, size_t *ret_n_files, uint64_t *ret_bytes);

#endif
