/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/usage.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A line "KEY:   NUMBER kB" of /proc/PID/status, in bytes. */
static struct sl_value read_status_kib(pid_t pid, const char *key, const char *missing)
{
    char path[64], line[256];
    uint64_t kib;
    size_t length = strlen(key);

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return SL_MISSING_VALUE(missing);
    struct sl_value value = SL_MISSING_VALUE(missing);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) == 0 && line[length] == ':' &&
            sscanf(line + length + 1, "%" SCNu64, &kib) == 1) {
            value = SL_VALUE(kib * 1024);
            break;
        }
    }
    (void) fclose(file);
    return value;
}

struct sl_value sl_usage_rss_peak(pid_t pid)
{
    return read_status_kib(pid, "VmHWM", "the kernel did not give the peak memory");
}

struct sl_value sl_usage_rss(pid_t pid)
{
    return read_status_kib(pid, "VmRSS", "the kernel did not give the memory in use");
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
