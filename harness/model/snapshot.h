/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain data: what one look at a process saw.
 *
 * Everything hangs off struct sl_snapshot and lives in its arena.  Built by
 * harness/snapshot (and by readers of foreign dumps), then immutable.  Threads
 * with equal frames share one struct sl_stack, so 5,000 parked workers cost one.
 */
#ifndef SL_MODEL_SNAPSHOT_H
#define SL_MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/snapshot.h>

#include "base/arena.h"
#include "base/value.h"

struct sl_frame {
    uint64_t address;       /* PC of the innermost frame, else the return address on the stack */
    const char *function;   /* demangled; NULL when no symbol covers the address */
    const char *file;       /* source path; NULL when not known */
    const char *module;     /* path of the mapped file, "[vdso]", or NULL for anonymous code */
    uint32_t line;          /* 1-based; 0 when not known */
    bool inlined;           /* no frame of its own: it shares the address of the next outer one */
    bool by_frame_pointers; /* found by the frame pointer of the frame inside, without a table */

    /*
     * What tells code without a name apart, whatever address it was loaded at.  In an ELF file the
     * offset is the file's own (virtual) address of `address`, as addr2line takes it; in any
     * other file, it counts from the file's start; in no file, from the start of the mapping.
     */
    uint64_t offset;      /* 0 when not known */
    const char *build_id; /* of the module, hexadecimal; NULL when it has none */
    uint32_t region;      /* code in no file: which of the executable mappings of none; else 0 */
    uint64_t start;       /* offset at which a function without a name begins; 0 when not known */
};

struct sl_stack {
    const struct sl_frame *frames; /* innermost first */
    size_t n_frames;
    bool complete;       /* the last frame is a known thread or process entry */
    enum sl_grade grade; /* what is complete has no other than that */
    const char *reason;  /* why not complete, for people; NULL when complete */
};

/*
 * A lock that keeps no owner, at which threads wait, and who may have it: threads that do not wait
 * for it and have its address on the stack or in a register.  One that has it may be missing, and
 * one that gave it back be among them.
 */
struct sl_lock {
    uint64_t object;
    const char *what;           /* "Mutex of Rust"; static */
    const uint64_t *candidates; /* their ids, ascending */
    size_t n_candidates;
    bool searched; /* every other thread's stack, and the registers that functions preserve */
};

/* Descriptors of the process that are the other end of a pipe or connection that it has itself. */
struct sl_far_end {
    const int32_t *descriptors; /* ascending; not none */
    size_t n_descriptors;
};

/* What a blocked thread waits for. */
struct sl_wait {
    enum sl_wait_kind kind;
    int32_t syscall_nr;  /* -1: outside a system call */
    const char *syscall; /* "futex"; NULL outside a call or when the number has no name */
    uint64_t object;     /* address of the futex primitive, else 0 */
    pid_t owner;         /* lock: thread that holds it; join: thread waited for; else 0 */
    pid_t ended_owner;   /* lock: who took it and is no thread of the process any more, as the
                            program names it; else 0 */
    bool timed;          /* the call has a time-out, so the thread wakes by itself */
    bool socket;         /* the descriptor, or one of those polled, is a socket */
    const char *target;  /* what a descriptor is: "TCP 127.0.0.1:4222", "pipe:[81]"; or NULL */
    /*
     * Why the thread may not run, whatever it waits for: "stopped" (job control), "traced",
     * with "by 812 'gdb'" when that is known, "frozen" (its control group); or NULL.
     */
    const char *held;
    const char *text;           /* what it is, as a dump words it: "chan receive"; else NULL */
    uint64_t age_ns;            /* how long it has waited, as a dump tells; 0: not known */
    const struct sl_lock *lock; /* that keeps no owner; else NULL */
    const struct sl_far_end *far_end; /* of the descriptor; NULL: somebody else's, or not known */
};

/* What it cost a thread to be stopped by who looked at it. */
struct sl_stop_cost {
    bool stopped;
    bool known; /* it was seen to be back where it was; the rest is this */
    uint64_t switches, cpu_ns;
};

/* Who started a goroutine, and who that one, as far back as the runtime was asked to keep it. */
struct sl_ancestor {
    uint64_t id;
    const struct sl_stack *stack;
};

/* What only a goroutine has. */
struct sl_goroutine {
    const char *labels; /* {"key":"value", ...}, keys in order, quoted as Go does; NULL: none */
    uint64_t creator;   /* id of the goroutine that started it; 0: not known */
    uint64_t thread;    /* the kernel's id of the thread that runs it; 0: none, or not known */
    bool locked;        /* to that thread, by runtime.LockOSThread */
    bool leaked;        /* Go's own search found that nothing can ever wake it */
    const struct sl_ancestor *ancestors; /* the nearest first */
    size_t n_ancestors;
};

/* A thread, or so many alike that a dump tells in one record. */
struct sl_thread {
    uint64_t id;         /* the kernel's, or that of a goroutine; 0: the dump does not tell */
    uint64_t start_time; /* clock ticks since boot; with id the thread's identity */
    uint32_t count;      /* 1, but for a record of several */
    char name[16];       /* comm, NUL-terminated */
    char state;          /* letter of /proc/TID/stat: R S D T t Z X I; 0 when not known */
    bool consistent;     /* did not run while its stack was copied */
    enum sl_source source;
    const struct sl_stack *stack;      /* shared; NULL when registers could not be had */
    const char *reason;                /* why there is no stack; NULL otherwise */
    const struct sl_stack *created_by; /* where it was started; NULL: not known */
    struct sl_wait wait;
    uint64_t sp;                          /* its stack pointer; 0: not known */
    struct sl_value stack_bytes;          /* of its stack in memory, where that was asked for */
    uint64_t age_ns;                      /* when the snapshot began */
    uint64_t cpu_ns;                      /* user and system time so far */
    uint64_t switches;                    /* voluntary and involuntary context switches so far */
    struct sl_stop_cost cost;             /* of this look; came after the two above */
    const struct sl_goroutine *goroutine; /* NULL: a thread of the kernel's */
};

/* A thread that ended and was never joined: gone for the kernel, its stack is still held. */
struct sl_unjoined {
    uint64_t pthread;             /* its pthread_t */
    const struct sl_frame *start; /* the function that it was started with */
    struct sl_value stack_bytes;  /* as of a thread */
};

/* A program or library that frames lie in. */
struct sl_snapshot_module {
    const char *path;
    const char *build_id;      /* hexadecimal; NULL when it has none */
    uint64_t start, end;       /* its segments lie in [start, end) */
    const char *not_looked_at; /* why its names were not looked up, or not all; or NULL */
};

struct sl_snapshot_stats {
    uint32_t threads, unwound, memoised, retried, stopped;
    uint64_t duration_ns;
};

/* What the threads of a snapshot are. */
enum sl_snapshot_kind { SL_SNAPSHOT_THREADS, SL_SNAPSHOT_GOROUTINES };

/* A file that somebody else wrote, and what in it could not be read. */
struct sl_dump {
    const char *format;      /* "goroutine profile, debug=2" */
    uint64_t n_errors;       /* places that were skipped */
    const char *first_error; /* "line 17: what is wrong there"; NULL: none */
    bool more;               /* another dump follows in the file */
};

struct sl_snapshot {
    struct sl_arena *arena; /* owns everything below, but for names that all snapshots share */
    enum sl_snapshot_kind kind;
    const struct sl_dump *dump; /* NULL: a process was looked at */
    const char *runtime;        /* of goroutines, where it is known: "go1.19.8"; else NULL */
    pid_t pid;                  /* 0: not known, as of a dump */
    const char *command;        /* of goroutines: the name of their process; NULL: not known */
    uint64_t taken_ns;          /* CLOCK_MONOTONIC when the pass began */
    uint64_t ticks_per_second;  /* unit of start_time */
    /* What `switches` counts: arrivals on a CPU, else departures.  Not to be compared. */
    bool counts_arrivals;
    bool stacks_measured;            /* stack_bytes are filled */
    const struct sl_thread *threads; /* ascending id */
    size_t n_threads;
    size_t n_left_out;           /* more threads, which were not looked at */
    const char *left_out_reason; /* why; NULL: there are none */
    const struct sl_unjoined *unjoined;
    size_t n_unjoined;
    const char *unjoined_missing; /* why unjoined threads are not known; NULL: these are all */
    const struct sl_snapshot_module *modules; /* in no order */
    size_t n_modules;
    struct sl_snapshot_stats stats;
};

/* Name of the process; NULL: not known.  A goroutine may have the id that the process has. */
const char *sl_snapshot_command(const struct sl_snapshot *snapshot);

/* File name of a path: what follows the last slash.  NULL gives "". */
const char *sl_path_base(const char *path);

#endif
