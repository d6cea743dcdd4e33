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
#include <strandline/stack.h>

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
    /*
     * What the look may cost, whatever the process is like.  What is left out then is said: of a
     * thread in sl_thread_reason(), of a stack in sl_stack_reason(), of names in
     * sl_snapshot_module_not_looked_at().
     */
    uint64_t max_time_ns;      /* 0: 30 s */
    uint64_t max_memory;       /* bytes; 0: 1.5 GiB */
    uint64_t max_file_bytes;   /* that are read of programs, libraries, debug files; 0: 4 GiB */
    uint64_t max_total_frames; /* of all stacks that differ; 0: 1,000,000 */
    uint32_t max_threads;      /* those with the lowest ids; 0: 250,000 */
    /*
     * Neither recall names and lines from the user's cache, strandline/ in $XDG_CACHE_HOME or
     * ~/.cache, nor leave them there.  It has those of files of root and of the user, only.
     */
    bool no_cache;
    bool measure_stacks; /* also find out how much of each stack is in memory */
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
 *         SL_EINVAL  the size of the options is not set
 *         SL_EPERM   no source of registers is permitted
 *         SL_EGONE   no such process, or it ended before a single thread was read
 *         SL_ENOTSUP not a 64-bit x86 process, or the source is not built in
 *         SL_ETIMEDOUT  the memory of the process does not answer
 *         SL_ELIMIT  not even the least could be seen within opts->max_memory
 */
SL_API SL_CHECKED enum sl_status sl_snapshot_take(pid_t pid, const struct sl_snapshot_opts *opts,
                                                  struct sl_snapshot **ret_snap,
                                                  struct sl_error *err);

/* NULL is allowed. */
SL_API void sl_snapshot_free(struct sl_snapshot *snapshot);

/*
 * What was seen.  Everything below is a look into the snapshot: nothing is copied, every pointer
 * and text is borrowed and valid until the snapshot is freed, and any number of threads may look at
 * once.  An index that is out of range gives NULL; and what is asked of NULL is NULL, 0, false or
 * the first value of an enum, so that looks may be chained.
 *
 *     for (size_t i = 0; i < sl_snapshot_n_threads(snapshot); i++) {
 *         const struct sl_thread *thread = sl_snapshot_thread(snapshot, i);
 *         const struct sl_frame *inner = sl_stack_frame(sl_thread_stack(thread), 0);
 *         ...sl_thread_name(thread), sl_frame_function(inner)...
 *     }
 */
struct sl_thread;
struct sl_wait;
struct sl_unjoined;
struct sl_snapshot_module;

SL_API pid_t sl_snapshot_pid(const struct sl_snapshot *snapshot);
/* CLOCK_MONOTONIC when the pass began, and how long it took. */
SL_API uint64_t sl_snapshot_taken_ns(const struct sl_snapshot *snapshot);
SL_API uint64_t sl_snapshot_duration_ns(const struct sl_snapshot *snapshot);
/* Unit of sl_thread_start_time(). */
SL_API uint64_t sl_snapshot_ticks_per_second(const struct sl_snapshot *snapshot);
/* Threads whose stacks were unwound, or known from an equal one; read again; stopped. */
SL_API size_t sl_snapshot_n_unwound(const struct sl_snapshot *snapshot);
SL_API size_t sl_snapshot_n_memoised(const struct sl_snapshot *snapshot);
SL_API size_t sl_snapshot_n_retried(const struct sl_snapshot *snapshot);
SL_API size_t sl_snapshot_n_stopped(const struct sl_snapshot *snapshot);

/* More threads, which were not looked at and are none of those below; and why, or NULL. */
SL_API size_t sl_snapshot_n_left_out(const struct sl_snapshot *snapshot);
SL_API const char *sl_snapshot_left_out_reason(const struct sl_snapshot *snapshot);

SL_API size_t sl_snapshot_n_threads(const struct sl_snapshot *snapshot); /* by ascending id */
SL_API const struct sl_thread *sl_snapshot_thread(const struct sl_snapshot *snapshot, size_t index);
/* The thread with this id, or NULL; none is found by 0. */
SL_API const struct sl_thread *sl_snapshot_find(const struct sl_snapshot *snapshot, uint64_t id);

/* Where the registers of a thread came from. */
#define SL_SOURCE_MAP(X)                                                                           \
    X(NONE, "none") /* they could not be had */                                                    \
    X(PROC, "proc")                                                                                \
    X(BPF, "bpf")                                                                                  \
    X(PTRACE, "ptrace")                                                                            \
    X(DUMP, "dump") /* a file that somebody else wrote */

enum sl_source {
#define X(name, text) SL_SOURCE_##name,
    SL_SOURCE_MAP(X)
#undef X
};

SL_API const char *sl_source_text(enum sl_source source);

/* With its start time a thread's identity, as the kernel gives ids again; 0: not known. */
SL_API uint64_t sl_thread_id(const struct sl_thread *thread);
SL_API uint64_t sl_thread_start_time(const struct sl_thread *thread); /* ticks since boot */
SL_API const char *sl_thread_name(const struct sl_thread *thread);
/* How many alike a record of a dump stands for; else 1. */
SL_API uint32_t sl_thread_count(const struct sl_thread *thread);
/* Letter of /proc/TID/stat: R S D T t Z X I; 0 when not known. */
SL_API char sl_thread_state(const struct sl_thread *thread);
/* Did it not run while its stack was copied? */
SL_API bool sl_thread_consistent(const struct sl_thread *thread);
SL_API enum sl_source sl_thread_source(const struct sl_thread *thread);
/* When the snapshot began. */
SL_API uint64_t sl_thread_age_ns(const struct sl_thread *thread);
/* User and system time, and context switches, so far. */
SL_API uint64_t sl_thread_cpu_ns(const struct sl_thread *thread);
SL_API uint64_t sl_thread_switches(const struct sl_thread *thread);
/* Bytes of its stack that are in memory, with measure_stacks; 0 when not known. */
SL_API uint64_t sl_thread_stack_bytes(const struct sl_thread *thread);
/* NULL when its registers could not be had.  Threads with equal stacks have one and the same. */
SL_API const struct sl_stack *sl_thread_stack(const struct sl_thread *thread);
/* Why there is no stack; else NULL. */
SL_API const char *sl_thread_reason(const struct sl_thread *thread);
/* Where it was started, or NULL; a dump may tell, the kernel does not. */
SL_API const struct sl_stack *sl_thread_created_by(const struct sl_thread *thread);
SL_API const struct sl_wait *sl_thread_wait(const struct sl_thread *thread);

/* What a blocked thread waits for. */
#define SL_WAIT_MAP(X)                                                                             \
    X(NONE, "none") /* not blocked, or not known */                                                \
    X(CONDITION, "condition")                                                                      \
    X(SEMAPHORE, "semaphore")                                                                      \
    X(MUTEX, "mutex")                                                                              \
    X(RWLOCK, "rwlock")                                                                            \
    X(BARRIER, "barrier")                                                                          \
    X(JOIN, "join")                                                                                \
    X(FUTEX, "futex") /* a futex of no recognised primitive */                                     \
    X(SLEEP, "sleep")                                                                              \
    X(SOCKET, "socket") /* read, write, accept, connect on a socket */                             \
    X(IO, "io")         /* any other descriptor */                                                 \
    X(POLL, "poll")     /* poll, select, epoll */                                                  \
    X(SIGNAL, "signal")                                                                            \
    X(CHILD, "child")      /* waitpid and relatives */                                             \
    X(FAULT, "page-fault") /* blocked outside a system call */                                     \
    X(OTHER, "other")      /* any other system call */                                             \
    X(CHANNEL, "channel")  /* a goroutine that sends, receives or selects */

enum sl_wait_kind {
#define X(name, text) SL_WAIT_##name,
    SL_WAIT_MAP(X)
#undef X
};

SL_API const char *sl_wait_kind_text(enum sl_wait_kind kind);

SL_API enum sl_wait_kind sl_wait_kind(const struct sl_wait *wait);
/* Number and name of the system call, -1 and NULL outside one; and what people call it, or NULL. */
SL_API int32_t sl_wait_syscall_nr(const struct sl_wait *wait);
SL_API const char *sl_wait_syscall(const struct sl_wait *wait);
SL_API const char *sl_wait_call_text(const struct sl_wait *wait);
/* How long it has waited, where a dump tells; else 0. */
SL_API uint64_t sl_wait_age_ns(const struct sl_wait *wait);
/* Address of the futex primitive, else 0. */
SL_API uint64_t sl_wait_object(const struct sl_wait *wait);
/* Id of the thread that holds the lock, or that is waited for in a join; else 0. */
SL_API uint64_t sl_wait_owner(const struct sl_wait *wait);
/* Who took the lock and is no thread of the process any more, as the program names it; else 0. */
SL_API uint64_t sl_wait_ended_owner(const struct sl_wait *wait);
/* Has the call a time-out, so that the thread wakes by itself? */
SL_API bool sl_wait_timed(const struct sl_wait *wait);
/* Is the descriptor, or one of those polled, a socket? */
SL_API bool sl_wait_socket(const struct sl_wait *wait);
/* What the descriptor is: "TCP 127.0.0.1:4222", "pipe:[81]"; or NULL. */
SL_API const char *sl_wait_target(const struct sl_wait *wait);
/* Why the thread may not run, whatever it waits for: "stopped", "traced", "frozen"; or NULL. */
SL_API const char *sl_wait_held(const struct sl_wait *wait);

/* Files whose code the process has mapped, in no order. */
SL_API size_t sl_snapshot_n_modules(const struct sl_snapshot *snapshot);
SL_API const struct sl_snapshot_module *
sl_snapshot_module(const struct sl_snapshot *snapshot, size_t index);
SL_API const char *sl_snapshot_module_path(const struct sl_snapshot_module *module);
/* Hexadecimal; NULL when it has none. */
SL_API const char *sl_snapshot_module_build_id(const struct sl_snapshot_module *module);
/* Its segments lie from start up to end. */
SL_API uint64_t sl_snapshot_module_start(const struct sl_snapshot_module *module);
SL_API uint64_t sl_snapshot_module_end(const struct sl_snapshot_module *module);
/* Why its names were not looked up, or not all of them; NULL when nothing hindered that. */
SL_API const char *sl_snapshot_module_not_looked_at(const struct sl_snapshot_module *module);

/*
 * Threads that ended and were never joined: gone for the kernel, their stacks are still held.  With
 * find_unjoined; why they are not known, or NULL when these are all.
 */
SL_API const char *sl_snapshot_unjoined_missing(const struct sl_snapshot *snapshot);
SL_API size_t sl_snapshot_n_unjoined(const struct sl_snapshot *snapshot);
SL_API const struct sl_unjoined *
sl_snapshot_unjoined(const struct sl_snapshot *snapshot, size_t index);
SL_API uint64_t sl_unjoined_pthread(const struct sl_unjoined *unjoined); /* its pthread_t */
/* The function that it was started with. */
SL_API const struct sl_frame *sl_unjoined_start(const struct sl_unjoined *unjoined);

#ifdef __cplusplus
}
#endif
#endif
