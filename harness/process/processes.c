/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/grow.h"

void sl_processes_free(struct sl_processes *processes)
{
    if (!processes)
        return;
    free(processes->entries);
    free(processes);
}

/*
 * "81 (any name) S 1 ...", start time in field 22.  The name may hold anything, a parenthesis
 * included, so it ends at the last one.  @return false when it is no such line
 */
static bool parse_stat(char *line, struct sl_process_entry *ret_entry)
{
    struct sl_process_entry entry = {0};
    char *open = strchr(line, '('), *close = strrchr(line, ')');
    long pid, ppid;

    if (!open || !close || close < open || sscanf(line, "%ld", &pid) != 1 ||
        sscanf(close + 1,
               " %c %ld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
               "%" SCNu64,
               &entry.state, &ppid, &entry.start_time) != 3)
        return false;
    entry.pid = (pid_t) pid;
    entry.ppid = (pid_t) ppid;
    *close = '\0';
    (void) snprintf(entry.name, sizeof entry.name, "%s", open + 1);
    *ret_entry = entry;
    return true;
}

static bool read_entry(int proc_fd, const char *name, struct sl_process_entry *ret_entry)
{
    char path[32], line[1024];

    (void) snprintf(path, sizeof path, "%.16s/stat", name);
    SL_AUTO_FD int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (size <= 0)
        return false; /* it has ended */
    line[size] = '\0';
    return parse_stat(line, ret_entry);
}

static int compare(const void *a, const void *b)
{
    const struct sl_process_entry *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

enum sl_status sl_processes_list(struct sl_processes **ret_processes, struct sl_error *err)
{
    SL_AUTO(sl_processes) struct sl_processes *list = calloc(1, sizeof *list);
    DIR *directory = list ? opendir("/proc") : NULL;
    bool ok = true;

    if (!list)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    if (!directory)
        return sl_fail_errno(err, "cannot list '/proc'");
    for (const struct dirent *at; ok && (at = readdir(directory));) {
        struct sl_process_entry entry;
        if (at->d_name[0] < '1' || at->d_name[0] > '9' ||
            !read_entry(dirfd(directory), at->d_name, &entry))
            continue;
        ok = sl_grow(&list->entries, &list->capacity, list->n + 1);
        if (ok)
            list->entries[list->n++] = entry;
    }
    (void) closedir(directory);
    if (!ok)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    if (list->n)
        qsort(list->entries, list->n, sizeof *list->entries, compare);
    *ret_processes = SL_TAKE(list);
    return SL_OK;
}

static struct sl_process_entry *find_pid(const struct sl_processes *processes, pid_t pid)
{
    const struct sl_process_entry key = {.pid = pid};
    return processes->n ? bsearch(&key, processes->entries, processes->n, sizeof key, compare)
                        : NULL;
}

const struct sl_process_entry *
sl_processes_find(const struct sl_processes *processes, const struct sl_process_entry *entry)
{
    const struct sl_process_entry *found = find_pid(processes, entry->pid);
    return found && found->start_time == entry->start_time ? found : NULL;
}

void sl_processes_mark_family(struct sl_processes *processes, const struct sl_processes *before,
                              pid_t root, pid_t reaper)
{
    bool changed = true;

    /* A child may have a lower number than its parent, so go on until nobody is found. */
    while (changed) {
        changed = false;
        for (size_t i = 0; i < processes->n; i++) {
            struct sl_process_entry *entry = &processes->entries[i];
            if (entry->family || entry->pid == root)
                continue;
            const struct sl_process_entry *parent = find_pid(processes, entry->ppid);
            entry->family = entry->ppid == root || (parent && parent->family) ||
                            (entry->ppid == reaper && !sl_processes_find(before, entry));
            changed |= entry->family;
        }
    }
}
