/* SPDX-License-Identifier: Apache-2.0 */
/* What `strandline doctor` finds: a list of checks. */
#ifndef SL_CLI_DOCTOR_H
#define SL_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "harness/snapshot/capability.h"

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_LIMITED, /* something works less well, or not at all */
    DOCTOR_MISSING  /* without it the main job cannot run */
};

struct doctor_check {
    const char *name;
    enum doctor_state state;
    const char *found;
    const char *cost; /* what does not work, or works less well; NULL when ok */
    const char *fix;  /* what to do about it; NULL: nothing helps, or nothing needs to */
};

struct doctor {
    struct sl_arena *arena;
    struct doctor_check checks[32];
    size_t n_checks;
    struct sl_permissions permissions;
    uint64_t thread_room; /* threads that can be created, as far as limits are known */
};

/* Threads of the largest scenario: 5 pools of 1024 workers, and what else a bus has. */
#define DOCTOR_THREADS_NEEDED 5200

/* Add a check.  Cost and fix are borrowed, and dropped when the state is DOCTOR_OK. */
void doctor_add(struct doctor *doctor, const char *name, enum doctor_state state, const char *cost,
                const char *fix, const char *found, ...) SL_PRINTF(6, 7);

#endif
