/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/observe/settling.h"

#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/wait.h"
#include "harness/leak/settle.h"
#include "harness/leak/stack/library.h"
#include "harness/snapshot/target/tasks.h"

#define EXIT_LOOK_MAX_NS (50 * SL_NS_PER_MS)

/* No longer than until somebody wakes us. */
static enum sl_status pause_for(int wake_fd, uint64_t duration_ns, struct sl_error *err)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* poll ignores a negative fd */
    struct timespec duration = sl_clock_to_timespec(duration_ns);
    return ppoll(&wake, 1, &duration, NULL) > 0 ? sl_wake_look(wake.revents, err) : SL_OK;
}

static bool is_library_thread(const struct observe_settling *settling, const struct sl_task *task)
{
    const struct sl_thread *thread = sl_snapshot_find(settling->known, (uint64_t) task->tid);
    return thread && thread->start_time == task->start_time && thread->stack &&
           sl_leak_find_library(thread->stack, settling->library_modules);
}

static enum sl_status start_settle(const struct observe_settling *settling,
                                   struct sl_settle **ret_settle, struct sl_error *err)
{
    const struct sl_snapshot *start = settling->start;
    SL_AUTO_FREE struct sl_settle_thread *baseline = calloc(start->n_threads + 1, sizeof *baseline);

    if (!baseline)
        return sl_fail(err, SL_ENOMEM, "out of memory for the baseline threads");
    for (size_t i = 0; i < start->n_threads; i++) {
        baseline[i].tid = (pid_t) start->threads[i].id;
        baseline[i].start_time = start->threads[i].start_time;
        memcpy(baseline[i].name, start->threads[i].name, sizeof baseline[i].name);
    }
    return sl_settle_new(baseline, start->n_threads, settling->over_ns, settling->window_ns,
                         ret_settle, err);
}

/* One look at the threads. */
static enum sl_status feed_settle(const struct observe_settling *settling, struct sl_settle *settle,
                                  struct sl_settle_step *ret_step, struct sl_error *err)
{
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
    enum sl_status status = sl_tasks_list(settling->pid, &tasks, err);

    if (status)
        return status;
    uint64_t now = sl_clock_now_ns();
    SL_AUTO_FREE struct sl_settle_thread *threads = calloc(tasks->n_tasks + 1, sizeof *threads);
    if (!threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", tasks->n_tasks);
    for (size_t i = 0; i < tasks->n_tasks; i++) {
        const struct sl_task *task = &tasks->tasks[i];
        threads[i].tid = task->tid;
        threads[i].start_time = task->start_time;
        threads[i].library = is_library_thread(settling, task);
        memcpy(threads[i].name, task->name, sizeof threads[i].name);
    }
    return sl_settle_feed(settle, now, threads, tasks->n_tasks, ret_step, err);
}

enum sl_status observe_settle(const struct observe_settling *settling, struct sl_arena *arena,
                              struct sl_late_threads *ret_late, struct sl_error *err)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = NULL;
    const struct sl_late_thread *late;
    size_t n_late;

    enum sl_status status = start_settle(settling, &settle, err);
    for (struct sl_settle_step step = {0}; !status && !step.done;) {
        status = feed_settle(settling, settle, &step, err);
        if (!status && !step.done)
            status = pause_for(settling->wake_fd, step.wait_ns, err);
    }
    if (status)
        return status;
    sl_settle_late(settle, &late, &n_late);
    struct sl_late_thread *copy = sl_arena_array(arena, n_late, sizeof *copy);
    if (!copy)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu late threads", n_late);
    if (n_late)
        memcpy(copy, late, n_late * sizeof *copy);
    *ret_late = (struct sl_late_threads){copy, n_late};
    return SL_OK;
}

void observe_library_exit(const struct observe_settling *settling, uint64_t window_ns)
{
    uint64_t deadline = sl_clock_now_ns() + window_ns;

    for (uint64_t wait_ns = SL_NS_PER_MS; sl_clock_now_ns() < deadline; wait_ns *= 2) {
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        bool stays = false;
        if (sl_tasks_list(settling->pid, &tasks, NULL))
            return;
        for (size_t i = 0; i < tasks->n_tasks && !stays; i++)
            stays = is_library_thread(settling, &tasks->tasks[i]);
        if (!stays)
            return;
        sl_clock_sleep_ns(SL_MIN(wait_ns, EXIT_LOOK_MAX_NS));
    }
}
