/* SPDX-License-Identifier: Apache-2.0 */
/* The small files of /proc and /sys, read at once. */
#ifndef SL_BASE_SMALL_FILE_H
#define SL_BASE_SMALL_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Up to size - 1 bytes, NUL-terminated.  @return false when the file cannot be read */
bool sl_small_file_read(const char *path, char *buffer, size_t size);

#endif
