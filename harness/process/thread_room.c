/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/thread_room.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

#define CGROUP_ROOT       "/sys/fs/cgroup"
#define PIDS_ROOT         "/sys/fs/cgroup/pids" /* of version 1 */
#define MAPS_PER_THREAD   2
#define MAPS_OF_A_PROCESS 200 /* before it creates threads: program, libraries, heap */

bool sl_limit_parse(const char *text, uint64_t *ret_limit)
{
    char *end;

    if (strcmp(text, "max\n") == 0 || strcmp(text, "max") == 0) {
        *ret_limit = SL_NO_LIMIT;
        return true;
    }
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long limit = strtoull(text, &end, 10);
    if (errno || (*end && *end != '\n'))
        return false;
    *ret_limit = limit;
    return true;
}

static bool read_limit(const char *path, uint64_t *ret_limit)
{
    char text[64];
    return sl_file_read(path, text, sizeof text) && sl_limit_parse(text, ret_limit);
}

/* Is `word` one of a list that commas separate? */
static bool lists(const char *list, size_t size, const char *word)
{
    const char *end = list + size;
    for (const char *at = list; at < end;) {
        size_t length = strcspn(at, ",:");
        if (length == strlen(word) && strncmp(at, word, length) == 0)
            return true;
        at += length + 1;
    }
    return false;
}

/* A line is ID:CONTROLLERS:PATH; version 2 has one without controllers. */
bool sl_cgroup_parse(const char *text, char *ret_directory, size_t size)
{
    bool found = false;

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *controllers = line + strcspn(line, ":\n");
        if (*controllers != ':')
            continue;
        controllers++;
        size_t length = strcspn(controllers, ":\n");
        const char *path = controllers + length;
        if (*path != ':')
            continue;
        path++;
        bool counts = lists(controllers, length, "pids");
        if (!counts && (length || found))
            continue;
        int printed = snprintf(ret_directory, size, "%s%.*s", counts ? PIDS_ROOT : CGROUP_ROOT,
                               (int) strcspn(path, "\n"), path);
        if (printed < 0 || (size_t) printed >= size)
            return false;
        found = true;
        if (counts) /* where version 1 counts, version 2 does not */
            break;
    }
    return found;
}

/* The limit that leaves the least room, of a group and all above it. */
static void read_cgroup(struct sl_thread_limit *limit)
{
    char text[4096], directory[4096], path[4200];

    if (!sl_file_read("/proc/self/cgroup", text, sizeof text) ||
        !sl_cgroup_parse(text, directory, sizeof directory))
        return;
    while (strlen(directory) >= strlen(CGROUP_ROOT)) {
        struct sl_thread_limit one = {.name = limit->name};
        (void) snprintf(path, sizeof path, "%s/pids.max", directory);
        bool known = read_limit(path, &one.limit);
        (void) snprintf(path, sizeof path, "%s/pids.current", directory);
        if (known && read_limit(path, &one.used) && sl_thread_room(&one) < sl_thread_room(limit))
            *limit = one;
        *strrchr(directory, '/') = '\0';
    }
}

bool sl_user_threads_parse(const char *text, uint64_t *ret_uid, uint64_t *ret_threads)
{
    const char *uid = strstr(text, "\nUid:"), *threads = strstr(text, "\nThreads:");
    if (!uid || !threads)
        return false;
    *ret_uid = strtoull(uid + strlen("\nUid:"), NULL, 10);
    *ret_threads = strtoull(threads + strlen("\nThreads:"), NULL, 10);
    return true;
}

static uint64_t count_user_threads(uint64_t user)
{
    DIR *directory = opendir("/proc");
    uint64_t sum = 0;

    if (!directory)
        return 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[300], text[4096];
        uint64_t uid, threads;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        (void) snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        if (sl_file_read(path, text, sizeof text) && sl_user_threads_parse(text, &uid, &threads) &&
            uid == user)
            sum += threads;
    }
    (void) closedir(directory);
    return sum;
}

static void read_user(bool exempt, struct sl_thread_limit *limit)
{
    struct rlimit resource;

    if (exempt || getrlimit(RLIMIT_NPROC, &resource) < 0 || resource.rlim_cur == RLIM_INFINITY)
        return;
    limit->limit = resource.rlim_cur;
    limit->used = count_user_threads(getuid());
}

/* Threads on the machine: the number behind the slash of "0.10 0.20 0.30 2/812 4711". */
static uint64_t count_machine_threads(void)
{
    char text[128];
    if (!sl_file_read("/proc/loadavg", text, sizeof text))
        return 0;
    const char *slash = strchr(text, '/');
    return slash ? strtoull(slash + 1, NULL, 10) : 0;
}

void sl_thread_room_read(bool exempt, struct sl_thread_limit ret_limits[SL_N_THREAD_LIMITS])
{
    static const char *const names[] = {
        [SL_LIMIT_THREADS_MAX] = "kernel.threads-max", [SL_LIMIT_PID_MAX] = "kernel.pid_max",
        [SL_LIMIT_MAP_COUNT] = "vm.max_map_count",     [SL_LIMIT_NPROC] = "RLIMIT_NPROC",
        [SL_LIMIT_CGROUP] = "cgroup pids.max",
    };
    uint64_t maps;

    for (size_t i = 0; i < SL_N_THREAD_LIMITS; i++)
        ret_limits[i] = (struct sl_thread_limit){.name = names[i], .limit = SL_NO_LIMIT};
    uint64_t machine = count_machine_threads();
    ret_limits[SL_LIMIT_THREADS_MAX].used = machine;
    ret_limits[SL_LIMIT_PID_MAX].used = machine;
    (void) read_limit("/proc/sys/kernel/threads-max", &ret_limits[SL_LIMIT_THREADS_MAX].limit);
    (void) read_limit("/proc/sys/kernel/pid_max", &ret_limits[SL_LIMIT_PID_MAX].limit);
    if (read_limit("/proc/sys/vm/max_map_count", &maps)) {
        ret_limits[SL_LIMIT_MAP_COUNT].limit = maps / MAPS_PER_THREAD;
        ret_limits[SL_LIMIT_MAP_COUNT].used = MAPS_OF_A_PROCESS / MAPS_PER_THREAD;
    }
    read_user(exempt, &ret_limits[SL_LIMIT_NPROC]);
    read_cgroup(&ret_limits[SL_LIMIT_CGROUP]);
}

uint64_t sl_thread_room(const struct sl_thread_limit *limit)
{
    if (limit->limit == SL_NO_LIMIT)
        return SL_NO_LIMIT;
    return limit->limit > limit->used ? limit->limit - limit->used : 0;
}
