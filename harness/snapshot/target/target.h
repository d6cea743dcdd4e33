/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process being looked at, as /proc shows it.
 *
 * Everything goes through the task directory and a thread that is known to
 * live: after pthread_exit in main the leader is a zombie, and /proc/PID/maps
 * and process_vm_readv(PID) fail although the process runs on.
 */
#ifndef SL_SNAPSHOT_TARGET_H
#define SL_SNAPSHOT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "harness/snapshot/target/budget.h"
#include "harness/snapshot/target/owner.h"

/* Which counter of /proc proves that a thread did not run. */
enum sl_run_counter {
    SL_COUNTER_SCHEDSTAT, /* times put on a CPU: cheap, but only counted by some kernels */
    SL_COUNTER_STATUS     /* voluntary and involuntary switches */
};

struct sl_target {
    pid_t pid;
    _Atomic pid_t tid; /* a thread that lives; stands for the process */
    int task_fd;       /* /proc/PID/task */
    bool self;         /* the calling process */
    enum sl_run_counter counter;
    struct sl_owner owner;
    struct sl_budget *budget; /* borrowed, of the look; NULL after open: no bounds */
};

/* Thread facts of /proc/PID/task/TID/stat. */
struct sl_stat {
    char name[16];
    char state;
    bool kernel;         /* a thread of the kernel, without memory of its own */
    bool exiting;        /* it left the program for good; who joins it may have gone on */
    uint64_t start_time; /* clock ticks since boot */
    uint64_t cpu_ticks;  /* user and system */
};

/* Is it only still listed?  A thread that was joined can be for a moment. */
static inline bool sl_stat_has_ended(const struct sl_stat *stat)
{
    return stat->exiting || stat->state == 'Z' || stat->state == 'X';
}

/* What a thread did so far; equal before and after means that it did not run between. */
struct sl_run_count {
    uint64_t switches;
    uint64_t cpu_ns; /* 0 when the counter is SL_COUNTER_STATUS */
};

/* System call that a thread is in, with its user registers. */
struct sl_syscall {
    int32_t nr; /* -1: blocked outside a system call */
    uint64_t args[6];
    uint64_t sp, pc;
};

enum sl_syscall_state { SL_SYSCALL_BLOCKED, SL_SYSCALL_RUNNING, SL_SYSCALL_MALFORMED };

/**
 * @param ret_target  set on SL_OK only; sl_target_release()
 * @return SL_EGONE    no such process, or only a zombie is left of it
 *         SL_ENOTSUP  a thread of the kernel; or this /proc shows another pid namespace
 *         SL_EPERM    /proc hides the process
 */
SL_CHECKED enum sl_status
sl_target_open(pid_t pid, struct sl_target *ret_target, struct sl_error *err);
void sl_target_release(struct sl_target *target);

/* Take the cheaper counter where this kernel keeps it; status otherwise, as after open. */
void sl_target_choose_counter(struct sl_target *target);

/* Let another living thread stand for the process.  @return false when there is none */
bool sl_target_revive(struct sl_target *target);

/* How many threads there are, without a look at them; 0 when it has ended. */
size_t sl_target_count(const struct sl_target *target);

/* Thread ids in ascending order; the caller frees them. */
SL_CHECKED enum sl_status sl_target_list(const struct sl_target *target, pid_t **ret_tids,
                                         size_t *ret_n_tids, struct sl_error *err);

/*
 * Read a file of a thread's directory; tid 0 is the thread that stands for the
 * process.  NUL-terminates.  @return bytes read, or -errno
 */
ssize_t sl_target_read(const struct sl_target *target, pid_t tid, const char *file, char *buffer,
                       size_t size);

/*
 * Read a whole file of the living thread; the caller frees it.  NUL-terminated.  SL_ELIMIT when
 * it would take a quarter of the memory that is left.
 */
SL_CHECKED enum sl_status sl_target_read_all(struct sl_target *target, const char *file,
                                             char **ret_text, size_t *ret_size,
                                             struct sl_error *err);

/* A value of the auxiliary vector; 0 when it has none. */
uint64_t sl_target_auxiliary(struct sl_target *target, uint64_t type);

/* @return 0, or -errno; -ESRCH when the thread has ended */
int sl_target_stat(const struct sl_target *target, pid_t tid, struct sl_stat *ret_stat);
int sl_target_run_count(const struct sl_target *target, pid_t tid, struct sl_run_count *ret_count);

/*
 * The same in two steps, for who asks again: the descriptor stands for the thread,
 * not for its number, which may have been given to another one meanwhile.
 * @return a descriptor, or -errno
 */
int sl_target_open_counter(const struct sl_target *target, pid_t tid);
int sl_target_read_counter(const struct sl_target *target, int fd, struct sl_run_count *ret_count);

/* The process that traces the thread; 0 when none does that can be seen from here. */
pid_t sl_target_tracer(const struct sl_target *target, pid_t tid);

/* Descriptors that this process could still open. */
int sl_target_spare_fds(void);

/* Parsers, apart from the reading so that they can be tested. */
bool sl_stat_parse(const char *text, struct sl_stat *ret_stat);
bool sl_schedstat_parse(const char *text, struct sl_run_count *ret_count);
bool sl_status_parse(const char *text, struct sl_run_count *ret_count);
enum sl_syscall_state sl_syscall_parse(const char *text, struct sl_syscall *ret_syscall);

#endif
