/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/processes.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/grow.h"

void processes_free(struct processes *processes)
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
static bool parse_stat(char *line, struct processes_entry *ret_entry)
{
    struct processes_entry entry = {0};
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

/* @param name  of its folder in /proc.  @return false when it has ended */
static bool read_entry(const char *name, struct processes_entry *ret_entry)
{
    char path[32], line[1024];

    (void) snprintf(path, sizeof path, "/proc/%.16s/stat", name);
    return sl_file_read(path, line, sizeof line) && parse_stat(line, ret_entry);
}

bool processes_read(pid_t pid, struct processes_entry *ret_entry)
{
    char name[16];

    (void) snprintf(name, sizeof name, "%ld", (long) pid);
    return read_entry(name, ret_entry);
}

static int compare_processes(const void *a, const void *b)
{
    const struct processes_entry *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

enum sl_status processes_list(struct processes **ret_processes, struct sl_error *err)
{
    SL_AUTO(processes) struct processes *list = calloc(1, sizeof *list);
    DIR *directory = list ? opendir("/proc") : NULL;
    bool ok = true;

    if (!list)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    if (!directory)
        return sl_fail_errno(err, "cannot list '/proc'");
    for (const struct dirent *at; ok && (at = readdir(directory));) {
        struct processes_entry entry;
        if (at->d_name[0] < '1' || at->d_name[0] > '9' || !read_entry(at->d_name, &entry))
            continue;
        ok = sl_grow(&list->entries, &list->capacity, list->n + 1);
        if (ok)
            list->entries[list->n++] = entry;
    }
    (void) closedir(directory);
    if (!ok)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    if (list->n)
        qsort(list->entries, list->n, sizeof *list->entries, compare_processes);
    *ret_processes = SL_TAKE(list);
    return SL_OK;
}

const struct processes_entry *processes_find(const struct processes *processes, pid_t pid)
{
    const struct processes_entry key = {.pid = pid};
    return processes->n
               ? bsearch(&key, processes->entries, processes->n, sizeof key, compare_processes)
               : NULL;
}

void processes_mark(struct processes *processes, pid_t ancestor)
{
    bool changed = true;

    /* A child may have a lower number than its parent, so go on until nobody is found. */
    while (changed) {
        changed = false;
        for (size_t i = 0; i < processes->n; i++) {
            struct processes_entry *entry = &processes->entries[i];
            const struct processes_entry *parent = processes_find(processes, entry->ppid);
            if (entry->marked || (entry->ppid != ancestor && !(parent && parent->marked)))
                continue;
            entry->marked = changed = true;
        }
    }
}
