/* SPDX-License-Identifier: Apache-2.0 */
/* How many more threads the limits of this machine leave room for. */
#ifndef SL_PROCESS_THREAD_ROOM_H
#define SL_PROCESS_THREAD_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits on threads, in the order of sl_thread_room_read(). */
enum sl_thread_limit_id {
    SL_LIMIT_THREADS_MAX, /* of the machine */
    SL_LIMIT_PID_MAX,     /* of the pid namespace; every thread has a number */
    SL_LIMIT_MAP_COUNT,   /* of one process; each thread's stack and its guard are two mappings */
    SL_LIMIT_NPROC,       /* of the user */
    SL_LIMIT_CGROUP,      /* of the control group, or one above it */
    SL_N_THREAD_LIMITS
};

#define SL_NO_LIMIT UINT64_MAX

struct sl_thread_limit {
    const char *name; /* "kernel.pid_max" */
    uint64_t limit;   /* in threads; SL_NO_LIMIT: there is none, or it is not known */
    uint64_t used;
};

/*
 * @param exempt  the user limit does not hold: CAP_SYS_RESOURCE or CAP_SYS_ADMIN
 */
void sl_thread_room_read(bool exempt, struct sl_thread_limit ret_limits[SL_N_THREAD_LIMITS]);

/* What a limit leaves. */
uint64_t sl_thread_room(const struct sl_thread_limit *limit);

/* Parsers, apart from the reading so that they can be tested.  @return false when malformed */

/* Directory of the control group that counts processes, from the text of /proc/self/cgroup. */
bool sl_cgroup_parse(const char *text, char *ret_directory, size_t size);

/* "max" or a number, then a newline. */
bool sl_limit_parse(const char *text, uint64_t *ret_limit);

/* "Uid:" (real) and "Threads:" of /proc/PID/status. */
bool sl_user_threads_parse(const char *text, uint64_t *ret_uid, uint64_t *ret_threads);

#endif
