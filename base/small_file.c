/* SPDX-License-Identifier: Apache-2.0 */
#include "base/small_file.h"

#include <stdio.h>

bool sl_small_file_read(const char *path, char *buffer, size_t size)
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
