/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/leftover.h"

#include <dirent.h>
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
#include "harness/process/processes.h"
#include "harness/snapshot/target/descriptor.h"

#define MAX_HELD   (UINT64_C(1) << 20) /* of one kind; the subject decides how many it has */
#define MAX_KINDS  16                  /* that are told apart */
#define END_ROUNDS 50                  /* of orphans of orphans */

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
    struct sl_processes *processes; /* of the whole system; NULL: not known */
};

void sl_holdings_free(struct sl_holdings *holdings)
{
    if (!holdings)
        return;
    free(holdings->descriptors.items);
    free(holdings->timers.items);
    sl_processes_free(holdings->processes);
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
    enum sl_status status = sl_processes_list(&holdings->processes, err);
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
    sl_processes_mark_family(after->processes, before->processes, after->pid, getpid());
    for (size_t i = 0; i < after->processes->n; i++) {
        const struct sl_process_entry *entry = &after->processes->entries[i];
        if (!entry->family || entry->state == 'Z' || entry->state == 'X' ||
            sl_processes_find(before->processes, entry))
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
        SL_AUTO(sl_processes) struct sl_processes *now = NULL;
        found = false;
        if (sl_processes_list(&now, NULL))
            return;
        for (size_t i = 0; i < now->n; i++) {
            const struct sl_process_entry *entry = &now->entries[i];
            if (entry->ppid != getpid() || sl_processes_find(before->processes, entry))
                continue;
            end_child(entry->pid);
            found = true;
        }
    }
}
