/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that may not run, whatever they wait for: stopped by job control, held by a
 * tracer, or frozen with their control group.  And what a thread sleeps for in the kernel
 * when it made no call.
 */
#ifndef SL_SNAPSHOT_TARGET_HOLD_H
#define SL_SNAPSHOT_TARGET_HOLD_H

#include <stdbool.h>

#include "base/arena.h"
#include "harness/snapshot/target/target.h"

/* Begin with target and arena, which are borrowed. */
struct sl_holds {
    const struct sl_target *target;
    struct sl_arena *arena;
    bool asked, freezes; /* whether a thread of the process was found frozen */
    pid_t tracer;        /* of which `text` speaks */
    const char *text;
};

/*
 * What struct sl_wait has as `held`.
 *
 * @param state         letter of /proc/PID/task/TID/stat
 * @param outside_call  the thread sleeps without having made a call
 */
const char *sl_holds_find(struct sl_holds *holds, pid_t tid, char state, bool outside_call);

/*
 * Is a thread that sleeps outside a call known to wait for memory?  It may as well be on its way
 * through a core dump, or something that this kernel has and others do not.
 */
bool sl_holds_is_fault(const struct sl_holds *holds, pid_t tid);

/* "process 812 'gdb'", which traces the thread; NULL when nobody does. */
const char *sl_holds_tracer(struct sl_holds *holds, pid_t tid);

/* Is that the name of a place in the kernel where a thread waits for a page? */
bool sl_holds_is_fault_place(const char *wchan);
bool sl_holds_is_freezer_place(const char *wchan);

#endif
