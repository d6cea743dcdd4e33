/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task beside our threads, for system calls that may never return.
 *
 * Memory behind a userfaultfd and files of a FUSE file system are answered by a program, which may
 * be the target.  Who waits for it can only be killed, and a thread can not be killed alone.  So
 * such calls are made by a task that shares our memory but is none of our threads, and that is
 * killed when one takes too long.
 *
 * A task that not even SIGKILL reaches, as where a FUSE file system has taken a request, is left to
 * the kernel, which ends it when the file system goes.  What it was to write to is never used
 * again: all that it writes to lies in the memory that begins with its struct.
 */
#ifndef SL_SNAPSHOT_KILLABLE_KILLABLE_H
#define SL_SNAPSHOT_KILLABLE_KILLABLE_H

#include <limits.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>

#define SL_KILLABLE_STACK 16384

/* What runs in such a task: beside the thread that made it, with its thread pointer, so without
 * any library and without whatever looks after the memory of threads. */
#define SL_KILLABLE_CODE __attribute__((no_sanitize("address", "thread", "undefined")))

struct sl_killable {
    alignas(16) unsigned char stack[SL_KILLABLE_STACK];
    atomic_int alive; /* the kernel sets it to 0, and wakes who waits there */
    pid_t parent, tid;
    size_t size; /* of all of its memory */
    struct sl_killable *next;
};

/* Memory for one, and for `size - sizeof(struct sl_killable)` bytes more: of zeros; NULL when
 * there is none. */
void *sl_killable_new(size_t size);

/* Of one that does not run. */
void sl_killable_free(struct sl_killable *task);

/* @param run  gets the task; must not return but exit.  @return false when none can be made */
bool sl_killable_start(struct sl_killable *task, int (*run)(void *));

/* @return whether it is gone; then it was reaped */
bool sl_killable_await_end(struct sl_killable *task, uint64_t limit_ns);

/* Kill it.  It is no longer the caller's. */
void sl_killable_give_up(struct sl_killable *task);

/* Take leave of those that were given up, by anybody, as far as they end in time. */
void sl_killable_reap(uint64_t limit_ns);

/* By hand: errno is of the thread that it shares its registers' meaning with. */
static inline __attribute__((always_inline)) long
sl_killable_call(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/*
 * In the task, first: end with the thread that made it, and keep one descriptor (-1: none) of a
 * table of its own.  Who waits for the end of a pipe of ours should not wait for this.
 * @return false when that thread has ended already
 */
static inline __attribute__((always_inline)) bool
sl_killable_begin(const struct sl_killable *task, int kept)
{
    (void) sl_killable_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    if (kept > 0)
        (void) sl_killable_call(SYS_close_range, 0, kept - 1, 0, 0, 0, 0);
    (void) sl_killable_call(SYS_close_range, kept + 1, UINT_MAX, 0, 0, 0, 0);
    return sl_killable_call(SYS_getppid, 0, 0, 0, 0, 0, 0) == task->parent;
}

#endif
