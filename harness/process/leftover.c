/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "base/hash.h"
#include "harness/snapshot/target/descriptor.h"

#define MAX_HELD   (UINT64_C(1) << 20) /* of one kind; the subject decides how many it has */
#define MAX_KINDS  16                  /* that are told apart */
#define END_ROUNDS 50                  /* of orphans of orphans */

struct process {
    pid_t pid, ppid;
    uint64_t start_time; /* clock ticks since boot; with pid the identity */
    char name[16];
    char state;
    bool family; /* of the subject; set by mark_family() */
};

/* Those that /proc shows. */
struct processes {
    struct process *entries; /* ascending pid */
    size_t n, capacity;
};

static void processes_free(struct processes *processes)
{
    if (!processes)
        return;
    free(processes->entries);
    free(processes);
}
SL_DEFINE_AUTO(processes, processes_free);

/*
 * "81 (any name) S 1 ...", start time in field 22.  The name may hold anything, a parenthesis
 * included, so it ends at the last one.  @return false when it is no such line
 */
static bool parse_stat(char *line, struct process *ret_entry)
{
    struct process entry = {0};
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

static bool read_entry(int proc_fd, const char *name, struct process *ret_entry)
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

static int compare_processes(const void *a, const void *b)
{
    const struct process *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

static enum sl_status list_processes(struct processes **ret_processes, struct sl_error *err)
{
    SL_AUTO(processes) struct processes *list = calloc(1, sizeof *list);
    DIR *directory = list ? opendir("/proc") : NULL;
    bool ok = true;

    if (!list)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    if (!directory)
        return sl_fail_errno(err, "cannot list '/proc'");
    for (const struct dirent *at; ok && (at = readdir(directory));) {
        struct process entry;
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
        qsort(list->entries, list->n, sizeof *list->entries, compare_processes);
    *ret_processes = SL_TAKE(list);
    return SL_OK;
}

static struct process *find_pid(const struct processes *processes, pid_t pid)
{
    const struct process key = {.pid = pid};
    return processes->n
               ? bsearch(&key, processes->entries, processes->n, sizeof key, compare_processes)
               : NULL;
}

/* The same process, or NULL. */
static const struct process *
find_process(const struct processes *processes, const struct process *entry)
{
    const struct process *found = find_pid(processes, entry->pid);
    return found && found->start_time == entry->start_time ? found : NULL;
}

/*
 * Mark all that descend from `root`, and from children of `reaper` that were not there before:
 * orphans of the former are given to the latter.  `root` itself is not marked.
 */
static void
mark_family(struct processes *processes, const struct processes *before, pid_t root, pid_t reaper)
{
    bool changed = true;

    /* A child may have a lower number than its parent, so go on until nobody is found. */
    while (changed) {
        changed = false;
        for (size_t i = 0; i < processes->n; i++) {
            struct process *entry = &processes->entries[i];
            if (entry->family || entry->pid == root)
                continue;
            const struct process *parent = find_pid(processes, entry->ppid);
            entry->family = entry->ppid == root || (parent && parent->family) ||
                            (entry->ppid == reaper && !find_process(before, entry));
            changed |= entry->family;
        }
    }
}

/* A descriptor or a timer, by its number and by what it leads to. */
struct held {
    int number;
    uint64_t what; /* hash of the text that the kernel has for it */
};

struct list {
    struct held *items;
    size_t n, capacity;
    const char *missing; /* why it is not known, or NULL */
};

struct sl_holdings {
    pid_t pid;
    struct list descriptors, timers;
    struct processes *processes; /* of the whole system; NULL: not known */
};

void sl_holdings_free(struct sl_holdings *holdings)
{
    if (!holdings)
        return;
    free(holdings->descriptors.items);
    free(holdings->timers.items);
    processes_free(holdings->processes);
    free(holdings);
}

static bool add(struct list *list, int number, const char *what)
{
    if (list->n >= MAX_HELD) {
        list->missing = "there are too many";
        return true;
    }
    if (!sl_grow(&list->items, &list->capacity, list->n + 1))
        return false;
    list->items[list->n++] =
        (struct held){.number = number, .what = sl_fnv64(SL_FNV64_BASIS, what, strlen(what))};
    return true;
}

/* @return false when memory is short */
static bool read_descriptors(pid_t pid, struct list *list)
{
    char path[64], target[512];
    bool ok = true;

    (void) snprintf(path, sizeof path, "/proc/%ld/fd", (long) pid);
    DIR *directory = opendir(path);
    if (!directory) {
        list->missing = "the descriptors of the subject could not be listed";
        return true;
    }
    for (const struct dirent *entry; ok && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (length < 0)
            continue; /* closed meanwhile */
        target[length] = '\0';
        ok = add(list, atoi(entry->d_name), target);
    }
    (void) closedir(directory);
    return ok;
}

/* "ID: 0", "signal: 14/0000...", "notify: signal/pid.81", "ClockID: 1" for each. */
static bool read_timers(pid_t pid, struct list *list)
{
    char path[64], line[256];
    bool ok = true;
    int id;

    (void) snprintf(path, sizeof path, "/proc/%ld/timers", (long) pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        list->missing = "this kernel does not tell of timers";
        return true;
    }
    while (ok && fgets(line, sizeof line, file))
        if (sscanf(line, "ID: %d", &id) == 1)
            ok = add(list, id, "");
    (void) fclose(file);
    return ok;
}

enum sl_status sl_holdings_read(pid_t pid, struct sl_holdings **ret_holdings, struct sl_error *err)
{
    SL_AUTO(sl_holdings) struct sl_holdings *holdings = calloc(1, sizeof *holdings);

    if (!holdings)
        return sl_fail(err, SL_ENOMEM, "out of memory for what the subject holds");
    holdings->pid = pid;
    if (!read_descriptors(pid, &holdings->descriptors) || !read_timers(pid, &holdings->timers))
        return sl_fail(err, SL_ENOMEM, "out of memory for what the subject holds");
    enum sl_status status = list_processes(&holdings->processes, err);
    if (status == SL_ENOMEM)
        return status;
    *ret_holdings = SL_TAKE(holdings);
    return SL_OK;
}

static int compare_held(const void *a, const void *b)
{
    const struct held *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return (left->what > right->what) - (left->what < right->what);
}

/* Texts that stayed, equal ones counted together. */
struct telling {
    struct sl_arena *arena;
    struct sl_descriptors *descriptors; /* what they are; NULL: not known */
    struct sl_leftover *items;          /* room for all kinds */
    size_t n_items;
    size_t first; /* of the kind being told */
    bool failed;  /* memory is short */
};

/* Beyond MAX_KINDS texts of a kind the rest is only in its count. */
static void tell(struct telling *telling, const char *kind, const char *what)
{
    for (size_t i = telling->first; i < telling->n_items; i++)
        if (strcmp(telling->items[i].what, what) == 0) {
            telling->items[i].count++;
            return;
        }
    if (telling->n_items - telling->first == MAX_KINDS)
        return;
    struct sl_leftover item = {kind, sl_arena_strdup(telling->arena, what), 1};
    if (item.what)
        telling->items[telling->n_items++] = item;
    telling->failed = telling->failed || !item.what;
}

static void sort(const struct list *list)
{
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, compare_held);
}

static const char *say_descriptor(const struct telling *telling, int number, char buffer[64])
{
    const char *text =
        telling->descriptors ? sl_descriptors_get(telling->descriptors, number).text : NULL;
    (void) buffer;
    return text ? text : "not known";
}

static const char *say_timer(const struct telling *telling, int number, char buffer[64])
{
    (void) telling;
    (void) snprintf(buffer, 64, "POSIX timer %d", number);
    return buffer;
}

/* What only `after` has. */
static struct sl_value
tell_new(struct telling *telling, const char *kind, const struct list *before,
         const struct list *after,
         const char *(*say)(const struct telling *telling, int number, char buffer[64]))
{
    char buffer[64];
    uint64_t n = 0;

    if (after->missing || before->missing)
        return SL_MISSING_VALUE(after->missing ? after->missing : before->missing);
    telling->first = telling->n_items;
    sort(before);
    for (size_t i = 0; i < after->n; i++) {
        const struct held *held = &after->items[i];
        if (before->n && bsearch(held, before->items, before->n, sizeof *held, compare_held))
            continue;
        n++;
        tell(telling, kind, say(telling, held->number, buffer));
    }
    return SL_VALUE(n);
}

/* Of the subject's family and alive: a zombie holds nothing but its number. */
static struct sl_value tell_processes(struct telling *telling, const struct sl_holdings *before,
                                      const struct sl_holdings *after)
{
    uint64_t n = 0;
    char text[96];

    if (!before->processes || !after->processes)
        return SL_MISSING_VALUE("/proc could not be listed");
    telling->first = telling->n_items;
    mark_family(after->processes, before->processes, after->pid, getpid());
    for (size_t i = 0; i < after->processes->n; i++) {
        const struct process *entry = &after->processes->entries[i];
        if (!entry->family || entry->state == 'Z' || entry->state == 'X' ||
            find_process(before->processes, entry))
            continue;
        n++;
        (void) snprintf(text, sizeof text, "'%s', pid %ld, %s", entry->name, (long) entry->pid,
                        entry->ppid == after->pid ? "a child" : "an orphan or further descendant");
        tell(telling, "process", text);
    }
    return SL_VALUE(n);
}

enum sl_status sl_holdings_compare(const struct sl_holdings *before,
                                   const struct sl_holdings *after, struct sl_arena *arena,
                                   struct sl_left_behind *ret_left, struct sl_error *err)
{
    SL_AUTO(sl_descriptors) struct sl_descriptors *descriptors = NULL;
    SL_CLEANUP(sl_target_release) struct sl_target target = {.task_fd = -1};
    struct telling telling = {.arena = arena};
    struct sl_left_behind left = {0};

    telling.items = sl_arena_array(arena, 3 * MAX_KINDS, sizeof *telling.items);
    if (!telling.items)
        return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
    if (!sl_target_open(after->pid, &target, NULL) &&
        !sl_descriptors_new(&target, arena, &descriptors, NULL))
        telling.descriptors = descriptors;
    left.descriptors =
        tell_new(&telling, "descriptor", &before->descriptors, &after->descriptors, say_descriptor);
    left.processes = tell_processes(&telling, before, after);
    left.timers = tell_new(&telling, "timer", &before->timers, &after->timers, say_timer);
    if (telling.failed)
        return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
    left.items = telling.items;
    left.n_items = telling.n_items;
    *ret_left = left;
    return SL_OK;
}

void sl_orphans_adopt(void)
{
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Ours, so that the number can be nobody else's before we have waited for it. */
static void end_child(pid_t pid)
{
    uint64_t deadline = sl_clock_now_ns() + SL_NS_PER_S;

    (void) kill(pid, SIGKILL);
    while (waitpid(pid, NULL, WNOHANG | __WALL) == 0 && sl_clock_now_ns() < deadline)
        sl_clock_sleep_ns(SL_NS_PER_MS / 4);
}

void sl_orphans_end(const struct sl_holdings *before)
{
    bool found = before && before->processes;

    for (int round = 0; found && round < END_ROUNDS; round++) {
        SL_AUTO(processes) struct processes *now = NULL;
        found = false;
        if (list_processes(&now, NULL))
            return;
        for (size_t i = 0; i < now->n; i++) {
            const struct process *entry = &now->entries[i];
            if (entry->ppid != getpid() || find_process(before->processes, entry))
                continue;
            end_child(entry->pid);
            found = true;
        }
    }
}
