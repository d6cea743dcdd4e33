/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard of a subject: a process between it and its observer, with one thread and nothing of a
 * driver's in it.
 *
 *     observer -- guard -- subject -- whatever a driver starts
 *
 * It is the parent of the subject and the reaper of all that descends from it, so that nothing gets
 * away by forking twice, by a session of its own or by another user id.  When the subject has
 * ended, or the observer has (its socket says so), the guard ends what is left and tells what that
 * was.  It reads what the subject prints.
 *
 * The observer stays an ancestor of the subject, which some machines ask of who looks at a process.
 */
#ifndef SL_PROCESS_GUARD_H
#define SL_PROCESS_GUARD_H

#include <stddef.h>

#include "harness/process/children.h"

/* Command line word that makes strandline a guard; then its descriptors: observer, printed; and
   those of the subject. */
#define SL_GUARD_COMMAND "guard"

enum guard_event { GUARD_STARTED = 1, GUARD_ENDED };

/* What a guard tells its observer, one packet each. */
struct guard_report {
    int32_t event;       /* enum guard_event */
    int32_t error;       /* errno of what could not be started */
    int32_t subject;     /* its process id */
    int32_t wait_status; /* once it ended */
    struct sl_ended ended;
};

/* What the subject is to be started with. */
struct sl_guard_task {
    int observer_fd;         /* a socket of the kind SOCK_SEQPACKET */
    int printed_fd;          /* of a page for what it prints (output.h) */
    const char *const *argv; /* of the subject, NULL-terminated */
    const int *fds;          /* for it; a negative one is none */
    size_t n_fds;
};

/* The whole life of a guard.  @return its exit status */
int sl_guard_main(const struct sl_guard_task *task);

#endif
