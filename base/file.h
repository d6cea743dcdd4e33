/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files into memory. */
#ifndef SL_BASE_FILE_H
#define SL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* The beginning of a small file, as those of /proc: up to size - 1 bytes and a NUL.
   @return false when it cannot be read */
bool sl_file_read(const char *path, char *buffer, size_t size);

/*
 * From a descriptor to its end, or `most` bytes, with a NUL behind them.
 *
 * @param ret_data  the caller frees it
 * @return false with errno, ENOMEM when memory is short
 */
bool sl_file_read_all(int fd, size_t most, char **ret_data, size_t *ret_size);

#endif
