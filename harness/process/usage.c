/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* A line "KEY:   NUMBER kB" of /proc/PID/status, in bytes. */
static struct sl_value read_status_kib(pid_t pid, const char *key, const char *missing)
{
    char path[64], text[4096];

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) pid);
    const char *line = sl_file_read(path, text, sizeof text) ? strstr(text, key) : NULL;
    return line ? SL_VALUE(strtoull(line + strlen(key), NULL, 10) * 1024)
                : SL_MISSING_VALUE(missing);
}

struct sl_value sl_usage_rss_peak(pid_t pid)
{
    return read_status_kib(pid, "\nVmHWM:", "the kernel did not give the peak memory");
}

struct sl_value sl_usage_rss(pid_t pid)
{
    return read_status_kib(pid, "\nVmRSS:", "the kernel did not give the memory in use");
}

struct sl_value sl_usage_fds(pid_t pid)
{
    char path[64];
    uint64_t n_fds = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/fd", (long) pid);
    DIR *directory = opendir(path);
    if (!directory)
        return SL_MISSING_VALUE("the descriptors of the subject could not be listed");
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            n_fds++;
    (void) closedir(directory);
    return SL_VALUE(n_fds);
}
