/* SPDX-License-Identifier: Apache-2.0 */
/* What the source that stops threads needs besides the table of all sources. */
#ifndef SL_SNAPSHOT_SOURCE_PTRACE_H
#define SL_SNAPSHOT_SOURCE_PTRACE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Take leave of threads that have ended while another thread of this process traced them.
 *
 * A program that begins another one waits until all of its other threads are gone, and keeps all
 * who want to trace one of them waiting meanwhile.  One that is traced is gone when its tracer has
 * waited for it: who asks for the next thread just then waits for the program, which waits for
 * him.  So somebody else has to do it.
 *
 * @param leader  left out: it may be a child of this process, whose end is for others to see
 */
void sl_ptrace_reap(const pid_t *tids, size_t n_tids, pid_t leader);

#endif
