/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: the stacks of all threads of a process, taken from outside or by
 * the process itself.
 *
 * Blocked threads are read without being stopped; no signal is ever sent to a
 * thread.  A stack is complete only when it ended at a known entry.
 */
#ifndef STRANDLINE_SNAPSHOT_H
#define STRANDLINE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the library that runs, "0.1.0"; a static string. */
SL_API const char *sl_version(void);

struct sl_snapshot; /* immutable once taken; may be read from several threads */

/* Where registers may come from.  AUTO takes the first that is permitted. */
enum sl_snapshot_source {
    SL_SNAPSHOT_AUTO,
    SL_SNAPSHOT_BPF,   /* a BPF task iterator: all registers, nothing stopped */
    SL_SNAPSHOT_PROC,  /* the `syscall` files: SP and PC of blocked threads, nothing stopped */
    SL_SNAPSHOT_PTRACE /* stops every thread in turn; AUTO takes it with allow_stop only */
};

struct sl_snapshot_opts {
    size_t size; /* sizeof(struct sl_snapshot_opts) of the caller */
    enum sl_snapshot_source source;
    bool no_symbols;     /* addresses and modules only */
    bool no_stop;        /* never stop a thread.  By default those on a CPU, and those whose unwind
                            needs a register that cannot be had otherwise, are stopped briefly,
                            unless that made their system call return EINTR. */
    bool allow_stop;     /* stop even threads in calls that then return EINTR */
    uint32_t max_frames; /* 0: 256 */
    bool find_unjoined;  /* also list threads that ended and were never joined (glibc) */
    uint64_t stop_budget_ns; /* longest that a thread may stand still; 0: 200 ms */
};

/**
 * Take a snapshot of every thread of a process.
 *
 * A thread that has to be stopped runs again when this returns, on success and
 * on failure alike.
 *
 * @param pid       process to inspect; the calling process is allowed
 * @param opts      or NULL for the defaults; borrowed for the call
 * @param ret_snap  set on SL_OK only; the caller owns it, sl_snapshot_free()
 * @param err       detail on failure, or NULL
 *
 * @return SL_OK      a snapshot; threads that ended meanwhile are left out
 *         SL_EPERM   no source of registers is permitted
 *         SL_EGONE   no such process, or it ended before a single thread was read
 *         SL_ENOTSUP not a 64-bit x86 process, or the source is not built in
 */
SL_API SL_CHECKED enum sl_status sl_snapshot_take(pid_t pid, const struct sl_snapshot_opts *opts,
                                                  struct sl_snapshot **ret_snap,
                                                  struct sl_error *err);

/* NULL is allowed. */
SL_API void sl_snapshot_free(struct sl_snapshot *snapshot);

#ifdef __cplusplus
}
#endif
#endif
