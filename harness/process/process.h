/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes: any program, and this executable again as a subject.
 *
 * A child dies with the process that started it, inherits no descriptor but those that it was
 * given, and starts with the signals as they are by default, SIGPIPE aside, which it ignores: a
 * write to somebody who has ended is an error, not a crash.
 */
#ifndef SL_PROCESS_H
#define SL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "base/value.h"
#include "harness/process/desk.h"

struct sl_launch {
    const char *program;            /* looked for in PATH unless it has a slash */
    const char *const *argv;        /* NULL-terminated; the first one is what `ps` shows */
    const char *const *environment; /* "NAME=value", NULL-terminated; NULL: the caller's */
    const int *fds;                 /* stay open, under their numbers; a negative one is none */
    size_t n_fds;
    bool own_group; /* Ctrl-C reaches the caller only */
    bool capture;   /* it reads nothing, and what it prints is kept; else the caller's streams */
};

struct sl_process {
    pid_t pid;            /* 0: reaped */
    int to_fd;            /* records to a subject; -1: it is none */
    int from_fd;          /* records from it */
    int output_fd;        /* memory file with what it printed; -1: that is not kept */
    struct sl_desk *desk; /* NULL: nobody looks at this subject */
    int wait_status;      /* of waitpid once reaped */
};

/* For sl_process_end(). */
#define SL_PROCESS_NONE ((struct sl_process){.to_fd = -1, .from_fd = -1, .output_fd = -1})

/*
 * Start a program.
 *
 * @return SL_ENOENT, SL_EPERM or SL_ESYS it could not be executed; nothing is left then
 */
SL_CHECKED enum sl_status sl_process_launch(const struct sl_launch *launch,
                                            struct sl_process *ret_process, struct sl_error *err);

/* Command line word that makes strandline a subject; then its descriptors: in, out, desk or none.
 */
#define SL_SUBJECT_COMMAND "subject"

/*
 * Start this executable as a subject, in a group of its own, with what it prints kept as evidence.
 *
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

/*
 * How one that was reaped ended: "was ended by signal 11 (Segmentation fault)", "exited with
 * status 3", and with what it printed last, as much as there is room for: "; it printed: ...".
 */
void sl_process_describe_end(const struct sl_process *process, char *ret_text, size_t size);

/* VmHWM and VmRSS in bytes, and open descriptors, of any process. */
struct sl_value sl_process_rss_peak(pid_t pid);
struct sl_value sl_process_rss(pid_t pid);
struct sl_value sl_process_fds(pid_t pid);

#endif
