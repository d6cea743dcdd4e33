/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which threads a process has, without looking at their stacks: cheap enough to
 * poll while threads settle.
 */
#ifndef SL_SNAPSHOT_TARGET_TASKS_H
#define SL_SNAPSHOT_TARGET_TASKS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

struct sl_task {
    pid_t tid;
    uint64_t start_time; /* clock ticks since boot; with tid the thread's identity */
    char name[16];
    char state;
    uint64_t cpu_ns;
};

struct sl_tasks {
    struct sl_task *tasks; /* ascending tid */
    size_t n_tasks;
};

/**
 * List the threads of a process.  Needs no permission beyond /proc.
 *
 * Threads that have ended and are not the leader are left out, though a joined
 * one may stay listed for a moment.  SL_EGONE when there is no such process or only a zombie is
 * left.
 */
SL_CHECKED enum sl_status
sl_tasks_list(pid_t pid, struct sl_tasks **ret_tasks, struct sl_error *err);
void sl_tasks_free(struct sl_tasks *tasks);
SL_DEFINE_AUTO(sl_tasks, sl_tasks_free);

#endif
