/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/leftover.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/hash.h"
#include "harness/process/processes.h"
#include "harness/snapshot/target/descriptor.h"

#define MAX_HELD  (UINT64_C(1) << 20) /* of one kind; the subject decides how many it has */
#define MAX_KINDS 16                  /* that are told apart */

/* The same process, or NULL. */
static const struct processes_entry *
find_process(const struct processes *processes, const struct processes_entry *entry)
{
    const struct processes_entry *found = processes_find(processes, entry->pid);
    return found && found->start_time == entry->start_time ? found : NULL;
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
    pid_t pid, guard;
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

enum sl_status sl_holdings_read(const struct sl_process *process, struct sl_holdings **ret_holdings,
                                struct sl_error *err)
{
    pid_t pid = process->pid;
    SL_AUTO(sl_holdings) struct sl_holdings *holdings = calloc(1, sizeof *holdings);

    if (!holdings)
        return sl_fail(err, SL_ENOMEM, "out of memory for what the subject holds");
    holdings->pid = pid;
    holdings->guard = process->guard;
    if (!read_descriptors(pid, &holdings->descriptors) || !read_timers(pid, &holdings->timers))
        return sl_fail(err, SL_ENOMEM, "out of memory for what the subject holds");
    enum sl_status status = processes_list(&holdings->processes, err);
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

/* Below the guard, who adopts orphans, and alive: a zombie holds nothing but its number. */
static struct sl_value tell_processes(struct telling *telling, const struct sl_holdings *before,
                                      const struct sl_holdings *after)
{
    uint64_t n = 0;
    char text[96];

    if (!before->processes || !after->processes)
        return SL_MISSING_VALUE("/proc could not be listed");
    telling->first = telling->n_items;
    processes_mark(after->processes, after->guard);
    for (size_t i = 0; i < after->processes->n; i++) {
        const struct processes_entry *entry = &after->processes->entries[i];
        if (!entry->marked || entry->pid == after->pid || entry->state == 'Z' ||
            entry->state == 'X' || find_process(before->processes, entry))
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
    struct sl_left_behind left = {.threads = ret_left->threads};

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

/* Room for so many more. */
static struct sl_leftover *
extend_items(struct sl_left_behind *left, size_t n_more, struct sl_arena *arena)
{
    struct sl_leftover *items = sl_arena_array(arena, left->n_items + n_more, sizeof *items);

    if (items && left->n_items)
        memcpy(items, left->items, left->n_items * sizeof *items);
    if (items)
        left->items = items;
    return items;
}

enum sl_status sl_left_threads(const struct sl_snapshot *settled,
                               const struct sl_snapshot *torn_down, struct sl_arena *arena,
                               struct sl_left_behind *left, struct sl_error *err)
{
    struct sl_leftover *items = extend_items(left, MAX_KINDS, arena);
    struct telling telling = {
        .arena = arena, .items = items, .n_items = left->n_items, .first = left->n_items};
    uint64_t n = 0;

    if (!items)
        return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
    for (size_t i = 0; i < torn_down->n_threads; i++) {
        const struct sl_thread *thread = &torn_down->threads[i];
        const struct sl_thread *before = sl_snapshot_find(settled, thread->id);
        if (before && before->start_time == thread->start_time)
            continue;
        n++;
        const char *what = sl_arena_printf(arena, "'%s'", thread->name);
        if (!what)
            return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
        tell(&telling, "thread", what);
    }
    if (telling.failed)
        return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
    left->n_items = telling.n_items;
    left->threads = SL_VALUE(n);
    return SL_OK;
}

/* Was it told of when the subject's Close had returned? */
static bool was_told(const struct sl_holdings *closed, pid_t pid)
{
    const struct processes_entry *entry =
        closed && closed->processes ? processes_find(closed->processes, pid) : NULL;
    return entry && entry->marked;
}

enum sl_status sl_holdings_ended(const struct sl_holdings *closed, const struct sl_ended *ended,
                                 struct sl_arena *arena, struct sl_left_behind *left,
                                 struct sl_error *err)
{
    size_t n_named = SL_MIN(ended->n, SL_ENDED_NAMED);
    uint64_t n_told = left->processes.missing ? 0 : left->processes.value, n = n_told;
    struct sl_leftover *items = extend_items(left, n_named + 1, arena);

    if (!items)
        return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
    for (size_t i = 0; i < n_named; i++) {
        if (was_told(closed, ended->named[i].pid))
            continue;
        const char *what = sl_arena_printf(arena, "'%.15s', pid %ld, ended with the subject",
                                           ended->named[i].name, (long) ended->named[i].pid);
        if (!what)
            return sl_fail(err, SL_ENOMEM, "out of memory for what stayed");
        items[left->n_items++] = (struct sl_leftover){"process", what, 1};
        n++;
    }
    if (ended->n_living) {
        items[left->n_items++] =
            (struct sl_leftover){"process", "not to be ended", ended->n_living};
        n += ended->n_living;
    }
    if (ended->n + ended->n_living > 0) /* of those without a name some may have been told before */
        left->processes = SL_VALUE(SL_MAX(n, (uint64_t) ended->n + ended->n_living));
    return SL_OK;
}
