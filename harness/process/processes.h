/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that /proc shows, and who descends from whom. */
#ifndef SL_PROCESS_PROCESSES_H
#define SL_PROCESS_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

struct sl_process_entry {
    pid_t pid, ppid;
    uint64_t start_time; /* clock ticks since boot; with pid the identity */
    char name[16];
    char state;
    bool family; /* sl_processes_mark_family */
};

struct sl_processes {
    struct sl_process_entry *entries; /* ascending pid */
    size_t n, capacity;
};

SL_CHECKED enum sl_status
sl_processes_list(struct sl_processes **ret_processes, struct sl_error *err);
void sl_processes_free(struct sl_processes *processes);
SL_DEFINE_AUTO(sl_processes, sl_processes_free);

/* The same process, or NULL. */
const struct sl_process_entry *
sl_processes_find(const struct sl_processes *processes, const struct sl_process_entry *entry);

/*
 * Mark all that descend from `root`, and from children of `reaper` that were not there before:
 * orphans of the former are given to the latter.  `root` itself is not marked.
 */
void sl_processes_mark_family(struct sl_processes *processes, const struct sl_processes *before,
                              pid_t root, pid_t reaper);

#endif
