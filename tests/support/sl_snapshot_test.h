/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots in tests: taking them, waiting for a subject to be at rest, asking for functions. */
#ifndef SL_SNAPSHOT_TEST_H
#define SL_SNAPSHOT_TEST_H

#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include <strandline/snapshot.h>

#include "base/clock.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/target/target.h"
#include "harness/snapshot/target/tasks.h"

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

static inline struct sl_snapshot *take_with(pid_t pid, const struct sl_snapshot_opts *opts)
{
    struct sl_error err = {0};
    struct sl_snapshot *snapshot = NULL;
    sl_assert_ok(sl_snapshot_take(pid, opts, &snapshot, &err), &err);
    return snapshot;
}

/* From /proc, which every machine has. */
static inline struct sl_snapshot *take(pid_t pid)
{
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_PROC};
    return take_with(pid, &opts);
}

/* NULL where the bpf source is not built in or not permitted. */
static inline struct sl_snapshot *take_bpf(pid_t pid)
{
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_BPF};
    struct sl_error err = {0};
    struct sl_snapshot *snapshot = NULL;
    enum sl_status status = sl_snapshot_take(pid, &opts, &snapshot, &err);
    cr_assert(status == SL_OK || status == SL_EPERM || status == SL_ENOTSUP, "%s", err.text);
    return snapshot;
}

static inline const struct sl_thread *
thread_named(const struct sl_snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (strcmp(snapshot->threads[i].name, name) == 0)
            return &snapshot->threads[i];
    return NULL;
}

static inline bool has_function(const struct sl_stack *stack, const char *function)
{
    for (size_t i = 0; stack && i < stack->n_frames; i++)
        if (stack->frames[i].function && strcmp(stack->frames[i].function, function) == 0)
            return true;
    return false;
}

static inline size_t count_function(const struct sl_stack *stack, const char *function)
{
    size_t n = 0;
    for (size_t i = 0; stack && i < stack->n_frames; i++)
        n += stack->frames[i].function && strcmp(stack->frames[i].function, function) == 0;
    return n;
}

/* Sum over all threads, from the kernel's own counters. */
static inline uint64_t count_switches(pid_t pid)
{
    struct sl_error err = {0};
    struct sl_target target;
    pid_t *tids;
    size_t n_tids;
    uint64_t sum = 0;

    sl_assert_ok(sl_target_open(pid, &target, &err), &err);
    sl_assert_ok(sl_target_list(&target, &tids, &n_tids, &err), &err);
    for (size_t i = 0; i < n_tids; i++) {
        struct sl_run_count count;
        cr_assert(sl_target_run_count(&target, tids[i], &count) == 0);
        sum += count.switches;
    }
    free(tids);
    sl_target_release(&target);
    return sum;
}

/* Until every thread is blocked, and stayed so between two looks. */
static inline void await_rest(pid_t pid, bool allow_uninterruptible)
{
    for (uint64_t last = 0;;) {
        struct sl_error err = {0};
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        bool all_sleep = true;
        sl_assert_ok(sl_tasks_list(pid, &tasks, &err), &err);
        for (size_t i = 0; i < tasks->n_tasks; i++)
            all_sleep = all_sleep && (tasks->tasks[i].state == 'S' ||
                                      (allow_uninterruptible && tasks->tasks[i].state == 'D'));
        uint64_t switches = count_switches(pid);
        if (all_sleep && switches == last)
            return;
        last = switches;
        sl_clock_sleep_ns(10 * SL_NS_PER_MS);
    }
}

static inline void await_sleep(pid_t pid)
{
    await_rest(pid, false);
}

/* The frames in the order of the names, others may lie between. */
static inline bool has_functions(const struct sl_stack *stack, const char *const *names)
{
    for (size_t i = 0; stack && i < stack->n_frames && *names; i++)
        if (stack->frames[i].function && strcmp(stack->frames[i].function, *names) == 0)
            names++;
    return !*names;
}

#endif
