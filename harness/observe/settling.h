/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for threads of a process that are on their way out. */
#ifndef SL_OBSERVE_SETTLING_H
#define SL_OBSERVE_SETTLING_H

#include <strandline/error.h>

#include "harness/model/finding.h"

struct observe_settling {
    pid_t pid;
    const struct sl_snapshot *known;    /* taken last; says which threads are a library's */
    const char *const *library_modules; /* starts of file names, NULL-terminated; or NULL */
    int wake_fd;                        /* becomes readable when nobody waits any more; -1: never */

    /* For observe_settle(). */
    const struct sl_snapshot *start; /* its threads are done with */
    uint64_t over_ns, window_ns;     /* CLOCK_MONOTONIC when the work was over; longest wait */
};

struct sl_late_threads {
    const struct sl_late_thread *threads;
    size_t n;
};

/**
 * Wait until nothing is left that may still end by itself.
 *
 * @param ret_late  those that ended meanwhile, in the arena
 * @return SL_ECLOSED wake_fd; SL_EGONE the process ended; SL_ENOMEM
 */
SL_CHECKED enum sl_status observe_settle(const struct observe_settling *settling,
                                         struct sl_arena *arena, struct sl_late_threads *ret_late,
                                         struct sl_error *err);

/*
 * Wait until the threads of libraries that are known have ended, at most window_ns: a joined thread
 * can be listed for a moment longer.  Not an error when they stay.
 */
void observe_library_exit(const struct observe_settling *settling, uint64_t window_ns);

#endif
