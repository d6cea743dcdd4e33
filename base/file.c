/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/macros.h"

#define CHUNK 32768

bool sl_file_read(const char *path, char *buffer, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t got = fread(buffer, 1, size - 1, file);
    bool ok = !ferror(file);
    (void) fclose(file);
    buffer[got] = '\0';
    return ok;
}

bool sl_file_read_all(int fd, size_t most, char **ret_data, size_t *ret_size)
{
    SL_AUTO_FREE char *data = NULL;
    size_t capacity = 0, size = 0;
    ssize_t got;

    do {
        if (!sl_grow(&data, &capacity, size + CHUNK)) {
            errno = ENOMEM;
            return false;
        }
        got = read(fd, data + size, SL_MIN(most - size, capacity - size - 1));
        if (got < 0 && errno != EINTR)
            return false;
        size += got > 0 ? (size_t) got : 0;
    } while (got);
    data[size] = '\0';
    *ret_data = SL_TAKE(data);
    *ret_size = size;
    return true;
}
