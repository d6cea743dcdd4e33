/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subjects: this executable again, each with a guard between itself and us (guard.h), so that it
 * ends with us whatever its driver does, and with all that it started.
 */
#ifndef SL_PROCESS_H
#define SL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "base/value.h"
#include "harness/process/children.h"
#include "harness/process/desk.h"
#include "harness/process/output.h"

/* A subject. */
struct sl_process {
    pid_t pid;                  /* 0: it has ended */
    int pid_fd;                 /* the same, that no other process can get; -1: not known */
    pid_t guard;                /* its parent, which is our child */
    int guard_fd;               /* what the guard tells; closed: all is to end */
    int to_fd, from_fd;         /* records to it and from it */
    struct sl_printed *printed; /* what it printed */
    struct sl_desk *desk;       /* NULL: nobody looks at this subject */
    struct children before;     /* of ours */
    int wait_status;            /* of the subject once it has ended */
    int guard_status;           /* of a guard that was killed; 0: it did its work */
    struct sl_ended ended;      /* with the subject */
};

/* For sl_process_end(). */
#define SL_PROCESS_NONE                                                                            \
    ((struct sl_process){.pid_fd = -1, .guard_fd = -1, .to_fd = -1, .from_fd = -1})

/*
 * For programs whose subjects may kill their guards: orphans are children of the calling process
 * then, which ends all children that came after the subject did.
 */
void sl_process_adopt_orphans(void);

/* Command line word that makes strandline a subject; then its descriptors: in, out, desk or none.
 */
#define SL_SUBJECT_COMMAND "subject"

/*
 * Start this executable as a subject, in a session of its own.
 *
 * title: what `ps` shows, "strandline: low/keyed"; its start is the name of the first thread.
 * with_desk: the caller looks at process->desk all the while, since a crashed thread waits for it.
 */
SL_CHECKED enum sl_status sl_process_start(const char *title, bool with_desk,
                                           struct sl_process *ret_process, struct sl_error *err);

/* Wait for its end and that of all it started, SIGKILL after timeout_ns.  @return true when it
   ended by itself */
bool sl_process_reap(struct sl_process *process, uint64_t timeout_ns);

/* Kill if it still runs, reap, close.  Leaves nothing behind; may be called twice. */
void sl_process_end(struct sl_process *process);

/*
 * How one that was reaped ended: "was ended by signal 11 (Segmentation fault)", "exited with
 * status 3", and with what it printed last, as much as there is room for: "; it printed: ...".
 */
void sl_process_describe_end(const struct sl_process *process, char *ret_text, size_t size);

/* VmHWM and VmRSS in bytes, threads, and open descriptors, of any process. */
struct sl_value sl_process_rss_peak(pid_t pid);
struct sl_value sl_process_rss(pid_t pid);
struct sl_value sl_process_threads(pid_t pid);
struct sl_value sl_process_fds(pid_t pid);

#endif
