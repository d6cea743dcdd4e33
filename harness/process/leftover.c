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
        return sl_fail(err, SL_ENOMEM, "no memory for what the subject holds");
    holdings->pid = pid;
    if (!read_descriptors(pid, &holdings->descriptors) || !read_timers(pid, &holdings->timers))
        return sl_fail(err, SL_ENOMEM, "no memory for what the subject holds");
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
    struct sl_left_behind *left;
    struct sl_leftover *items; /* room for all kinds */
    size_t first;              /* of the kind being told */
};

/* Beyond MAX_KINDS texts of a kind the rest is only in its count. */
static bool tell(struct telling *telling, const char *kind, const char *what)
{
    struct sl_left_behind *left = telling->left;

    for (size_t i = telling->first; i < left->n_items; i++)
        if (strcmp(telling->items[i].what, what) == 0) {
            telling->items[i].count++;
            return true;
        }
    if (left->n_items - telling->first == MAX_KINDS)
        return true;
    struct sl_leftover *item = &telling->items[left->n_items++];
    *item = (struct sl_leftover){kind, sl_arena_strdup(telling->arena, what), 1};
    return item->what;
}

static void sort(const struct list *list)
{
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, compare_held);
}

/* What only `after` has. */
static bool is_new(const struct list *before, const struct held *held)
{
    return !before->n || !bsearch(held, before->items, before->n, sizeof *held, compare_held);
}

static struct sl_value missing_of(const struct list *before, const struct list *after)
{
    return SL_MISSING_VALUE(after->missing ? after->missing : before->missing);
}

static enum sl_status tell_descriptors(struct telling *telling, const struct sl_holdings *before,
                                       const struct sl_holdings *after, struct sl_error *err)
{
    const struct list *list = &after->descriptors;
    SL_AUTO(sl_descriptors) struct sl_descriptors *descriptors = NULL;
    SL_CLEANUP(sl_target_release) struct sl_target target = {.task_fd = -1};
    uint64_t n = 0;

    telling->first = telling->left->n_items;
    telling->left->descriptors = missing_of(&before->descriptors, list);
    if (telling->left->descriptors.missing)
        return SL_OK;
    bool open = !sl_target_open(after->pid, &target, NULL) &&
                !sl_descriptors_new(&target, telling->arena, &descriptors, NULL);
    for (size_t i = 0; i < list->n; i++) {
        if (!is_new(&before->descriptors, &list->items[i]))
            continue;
        const char *text =
            open ? sl_descriptors_get(descriptors, list->items[i].number).text : NULL;
        n++;
        if (!tell(telling, "descriptor", text ? text : "not known"))
            return sl_fail(err, SL_ENOMEM, "no memory for what stayed");
    }
    telling->left->descriptors = SL_VALUE(n);
    return SL_OK;
}

static enum sl_status tell_timers(struct telling *telling, const struct sl_holdings *before,
                                  const struct sl_holdings *after, struct sl_error *err)
{
    const struct list *list = &after->timers;
    char text[64];
    uint64_t n = 0;

    telling->first = telling->left->n_items;
    telling->left->timers = missing_of(&before->timers, list);
    if (telling->left->timers.missing)
        return SL_OK;
    for (size_t i = 0; i < list->n; i++) {
        if (!is_new(&before->timers, &list->items[i]))
            continue;
        n++;
        (void) snprintf(text, sizeof text, "POSIX timer %d", list->items[i].number);
        if (!tell(telling, "timer", text))
            return sl_fail(err, SL_ENOMEM, "no memory for what stayed");
    }
    telling->left->timers = SL_VALUE(n);
    return SL_OK;
}

/* Of the subject's family and alive: a zombie holds nothing but its number. */
static enum sl_status tell_processes(struct telling *telling, const struct sl_holdings *before,
                                     const struct sl_holdings *after, struct sl_error *err)
{
    uint64_t n = 0;
    char text[96];

    telling->first = telling->left->n_items;
    telling->left->processes = SL_MISSING_VALUE("/proc could not be listed");
    if (!before->processes || !after->processes)
        return SL_OK;
    sl_processes_mark_family(after->processes, before->processes, after->pid, getpid());
    for (size_t i = 0; i < after->processes->n; i++) {
        const struct sl_process_entry *entry = &after->processes->entries[i];
        if (!entry->family || entry->state == 'Z' || entry->state == 'X' ||
            sl_processes_find(before->processes, entry))
            continue;
        n++;
        (void) snprintf(text, sizeof text, "'%s', pid %ld, %s", entry->name, (long) entry->pid,
                        entry->ppid == after->pid ? "a child" : "an orphan or further descendant");
        if (!tell(telling, "process", text))
            return sl_fail(err, SL_ENOMEM, "no memory for what stayed");
    }
    telling->left->processes = SL_VALUE(n);
    return SL_OK;
}

enum sl_status sl_holdings_compare(const struct sl_holdings *before,
                                   const struct sl_holdings *after, struct sl_arena *arena,
                                   struct sl_left_behind *ret_left, struct sl_error *err)
{
    struct sl_left_behind left = {0};
    struct telling telling = {.arena = arena,
                              .left = &left,
                              .items = sl_arena_array(arena, 3 * MAX_KINDS, sizeof *left.items)};

    if (!telling.items)
        return sl_fail(err, SL_ENOMEM, "no memory for what stayed");
    sort(&before->descriptors);
    sort(&before->timers);
    enum sl_status status = tell_descriptors(&telling, before, after, err);
    if (!status)
        status = tell_processes(&telling, before, after, err);
    if (!status)
        status = tell_timers(&telling, before, after, err);
    if (status)
        return status;
    left.items = telling.items;
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
