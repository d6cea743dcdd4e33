/* SPDX-License-Identifier: Apache-2.0 */
/* Processes as /proc shows them. */
#ifndef SL_PROCESS_PROCESSES_H
#define SL_PROCESS_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

struct processes_entry {
    pid_t pid, ppid;
    uint64_t start_time; /* clock ticks since boot; with pid the identity */
    char name[16];
    char state;
    bool marked; /* by processes_mark() */
};

struct processes {
    struct processes_entry *entries; /* ascending pid */
    size_t n, capacity;
};

SL_CHECKED enum sl_status processes_list(struct processes **ret_processes, struct sl_error *err);
void processes_free(struct processes *processes);
SL_DEFINE_AUTO(processes, processes_free);

/* @return false: there is none of this number */
bool processes_read(pid_t pid, struct processes_entry *ret_entry);

/* NULL: there is none. */
const struct processes_entry *processes_find(const struct processes *processes, pid_t pid);

/* Mark all that descend from this one. */
void processes_mark(struct processes *processes, pid_t ancestor);

#endif
