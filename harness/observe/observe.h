/* SPDX-License-Identifier: Apache-2.0 */
/* What the observer reads of a subject besides its stacks, and the settle loop. */
#ifndef SL_OBSERVE_H
#define SL_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>
#include <strandline/snapshot.h>

#include "harness/leak/settle.h"
#include "harness/model/result.h"

static inline void sl_snapshot_freep(struct sl_snapshot **snapshot)
{
    sl_snapshot_free(*snapshot);
}

/* VmHWM and VmRSS of a process in bytes. */
struct sl_value sl_observe_rss_peak(pid_t pid);
struct sl_value sl_observe_rss(pid_t pid);
/* Open descriptors of a process. */
struct sl_value sl_observe_fds(pid_t pid);

/**
 * Wait until threads on their way out have ended.
 *
 * @param start    snapshot before the bus existed
 * @param closed   snapshot right after Close; says which threads belong to the library
 * @param modules  library modules, NULL-terminated
 * @param closed_ns CLOCK_MONOTONIC when Close returned
 * @param wake_fd  becomes readable when the run is to stop
 * @param ret_late set on SL_OK; array in arena
 * @return SL_ECLOSED wake_fd; SL_EGONE the subject ended meanwhile
 */
SL_CHECKED enum sl_status
sl_observe_settle(pid_t pid, const struct sl_snapshot *start, const struct sl_snapshot *closed,
                  const char *const *modules, uint64_t closed_ns, uint64_t window_ns, int wake_fd,
                  struct sl_arena *arena, const struct sl_late_thread **ret_late,
                  size_t *ret_n_late, struct sl_error *err);

/*
 * Wait until the library threads of `settled` have ended, at most window_ns: a joined
 * thread can be listed for a moment longer.  Not an error when they stay.
 */
void sl_observe_library_exit(pid_t pid, const struct sl_snapshot *settled,
                             const char *const *modules, uint64_t window_ns);

/* Sleep, but no longer than until wake_fd becomes readable: sl_wake_look. */
SL_CHECKED enum sl_status sl_observe_pause(int wake_fd, uint64_t duration_ns, struct sl_error *err);

#endif
