/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One subject process, as its parent sees it.
 *
 * The child is this executable again, started with the hidden word "subject".  It
 * stands in a process group of its own, so that Ctrl-C reaches the observer
 * only, and dies with the observer.  What it writes to standard output or error
 * is kept in memory as evidence.
 */
#ifndef SL_PROCESS_H
#define SL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/process/desk.h"

struct sl_process {
    pid_t pid;            /* 0: reaped */
    int to_fd;            /* records to the subject */
    int from_fd;          /* records from it */
    int output_fd;        /* memory file with what it printed */
    struct sl_desk *desk; /* NULL: nobody looks at this subject */
    int wait_status;      /* of waitpid once reaped */
};

/* Command line word that makes strandline a subject; then its descriptors: in, out, desk or none.
 */
#define SL_SUBJECT_COMMAND "subject"

/*
 * title: what `ps` shows, "strandline: low/keyed"; its start is the name of the first thread.
 * with_desk: the caller looks at process->desk all the while, since a crashed thread waits for it.
 */
SL_CHECKED enum sl_status sl_process_start(const char *title, bool with_desk,
                                           struct sl_process *ret_process, struct sl_error *err);

/* Wait for its end, SIGKILL after timeout_ns.  @return true when it ended by itself */
bool sl_process_reap(struct sl_process *process, uint64_t timeout_ns);

/* Kill if it still runs, reap, close.  Leaves nothing behind; may be called twice. */
void sl_process_end(struct sl_process *process);

/* The last bytes it printed, at most size - 1, with control characters as spaces. */
void sl_process_output(const struct sl_process *process, char *ret_text, size_t size);

#endif
