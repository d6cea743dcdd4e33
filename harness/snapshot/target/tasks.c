/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/tasks.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/snapshot/target/target.h"

static enum sl_status
fill(const struct sl_target *target, struct sl_tasks *tasks, struct sl_error *err)
{
    SL_AUTO_FREE pid_t *tids = NULL;
    size_t n_tids = 0;
    uint64_t tick_ns = SL_NS_PER_S / (uint64_t) sysconf(_SC_CLK_TCK);

    enum sl_status status = sl_target_list(target, &tids, &n_tids, err);
    if (status)
        return status;
    tasks->tasks = calloc(n_tids, sizeof *tasks->tasks);
    if (!tasks->tasks)
        return sl_fail(err, SL_ENOMEM, "out of memory for list of %zu threads", n_tids);
    for (size_t i = 0; i < n_tids; i++) {
        struct sl_stat stat;
        int error = sl_target_stat(target, tids[i], &stat);
        if (error == -ESRCH)
            continue; /* ended since it was listed */
        if (error) {
            errno = -error;
            return sl_fail_errno(err, "cannot read the state of thread %ld", (long) tids[i]);
        }
        if (sl_stat_has_ended(&stat) && tids[i] != target->pid)
            continue;
        struct sl_task *task = &tasks->tasks[tasks->n_tasks++];
        *task = (struct sl_task){.tid = tids[i],
                                 .start_time = stat.start_time,
                                 .state = stat.state,
                                 .cpu_ns = stat.cpu_ticks * tick_ns};
        memcpy(task->name, stat.name, sizeof task->name);
    }
    const struct sl_task *first = tasks->tasks;
    if (!tasks->n_tasks || (tasks->n_tasks == 1 && (first->state == 'Z' || first->state == 'X')))
        return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
    return SL_OK;
}

enum sl_status sl_tasks_list(pid_t pid, struct sl_tasks **ret_tasks, struct sl_error *err)
{
    struct sl_target target;
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = calloc(1, sizeof *tasks);

    if (!tasks)
        return sl_fail(err, SL_ENOMEM, "out of memory for list of threads");
    enum sl_status status = sl_target_open(pid, &target, err);
    if (status)
        return status;
    status = fill(&target, tasks, err);
    sl_target_release(&target);
    if (!status)
        *ret_tasks = SL_TAKE(tasks);
    return status;
}

void sl_tasks_free(struct sl_tasks *tasks)
{
    if (!tasks)
        return;
    free(tasks->tasks);
    free(tasks);
}
