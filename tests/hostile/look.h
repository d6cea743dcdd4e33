/* SPDX-License-Identifier: Apache-2.0 */
/* One look at a target, as `snapshot` takes it, and what has to hold of every look. */
#ifndef HOSTILE_LOOK_H
#define HOSTILE_LOOK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "choice.h"
#include "pulse.h"

struct look_limits {
    uint64_t time_ns, memory;
};

struct look_result {
    char fault[600];   /* what did not hold; empty: all did */
    bool slow;         /* it took longer than it may: what else the machine does counts, too */
    char refusal[400]; /* why there is no snapshot */
    uint64_t time_ns, memory; /* that it took; by how much the process grew */
    size_t n_threads, n_stacks;
};

/* Before the first look of a process: what the engine keeps for all of them. */
void look_begin(void);

/* @param pulse  says what the target may do meanwhile */
void look_at(pid_t pid, const struct look_limits *limits, struct pulse *pulse,
             struct choice *choice, struct look_result *ret_result);

#endif
