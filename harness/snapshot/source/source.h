/* SPDX-License-Identifier: Apache-2.0 */
/* Where the registers of threads come from: one const table per way. */
#ifndef SL_SNAPSHOT_SOURCE_H
#define SL_SNAPSHOT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/target/descriptor.h"
#include "harness/snapshot/target/registers.h"
#include "harness/snapshot/target/target.h"

enum sl_look {
    SL_LOOK_OK,
    SL_LOOK_RUNNING,   /* on a CPU, or waiting for one */
    SL_LOOK_GONE,      /* the thread has ended and left nothing */
    SL_LOOK_ENDED,     /* the leader has ended, and stays as a zombie */
    SL_LOOK_KERNEL,    /* a worker of the kernel inside the process: no user registers */
    SL_LOOK_REFUSED,   /* not permitted */
    SL_LOOK_UNSAFE,    /* stopping it would make its system call fail with EINTR */
    SL_LOOK_UNSTOPPED, /* did not stop within the budget */
    SL_LOOK_OVERDUE,   /* stopped, and was let run again before it could be read */
    SL_LOOK_TRACED,    /* by another process, which has to let it go first */
    SL_LOOK_NO_TIME,   /* it was not looked at */
    SL_LOOK_FAILED     /* anything else */
};

/* What was seen of a thread. */
struct sl_sighting {
    struct sl_stat stat;       /* unless it is gone */
    int error;                 /* of errno: why not even that is known; 0 otherwise */
    struct sl_run_count count; /* before the registers were read */
    int counter_fd;            /* the file it is from, kept open until leave; 0: none */
    struct sl_registers registers;
    bool blocked;           /* call is valid */
    struct sl_syscall call; /* what it is blocked in */
    /* Bpf only: what else the kernel has of the thread. */
    uint64_t thread_pointer;  /* base of the segment fs; 0: not known */
    uint64_t signals_blocked; /* bit n - 1: signal n */
    uint64_t signals_pending; /* of the thread and of the process */
    uint32_t n_memory_users;  /* tasks that have its memory, of whatever process */
};

struct sl_bpf;

/* Of one who looks: copies share what is pointed to. */
struct sl_source_context {
    struct sl_target *target;
    struct sl_descriptors *descriptors;
    bool allow_stop;         /* also where a system call then fails with EINTR */
    uint64_t stop_budget_ns; /* how long a thread may take to stop, and stand still */
    uint64_t patience_ns;    /* how long to be busy stopping all of them */
    int spare_fds;           /* proc: descriptors that may still be kept open */
    int pending_signal;      /* ptrace: taken from the thread by the stop, given back by leave */
    struct sl_bpf *bpf;      /* state of that source between open and close */
    size_t next_record;      /* bpf: where the thread after the last one is expected */
};

/*
 * Call order: open, list, then for each thread look (or begin, finish); look returned SL_LOOK_OK =>
 * its stack is copied and leave is called exactly once.  A source that stops the thread
 * lets it run again there.  Then recheck once, held_still for each thread, close.
 * Unless the source stops threads, look, held_still and leave may be called for
 * different threads at once, each caller with a copy of the context that was opened.
 */
struct sl_register_source {
    enum sl_source id;
    bool stops;
    /* All threads are seen in one go, by list; look and held_still only remember. */
    bool at_once;

    /* SL_EPERM when this way is not permitted, SL_ENOTSUP when the system does not have it. */
    enum sl_status (*open)(struct sl_source_context *context, struct sl_error *err);
    void (*close)(struct sl_source_context *context); /* NULL: nothing to close */
    /* Whether open has next to nothing to do, since an earlier look did it; NULL: always. */
    bool (*is_loaded)(void);
    /* After close: let go of what is kept for the next look, for it was of no use; or NULL. */
    void (*forget)(void);

    /* Thread ids in ascending order; the caller frees them.  NULL: those that /proc has. */
    enum sl_status (*list)(struct sl_source_context *context, pid_t **ret_tids, size_t *ret_n_tids,
                           struct sl_error *err);
    enum sl_look (*look)(struct sl_source_context *context, pid_t tid,
                         struct sl_sighting *ret_sighting);
    /*
     * look in two steps, for a source that stops threads and has no look; else NULL.  Threads
     * that share a CPU stop soon when all were asked to, and late when each waits for the others
     * to be done.  begin returned SL_LOOK_OK => finish, which never waits, is called until it
     * returns anything but SL_LOOK_UNSTOPPED, or is given up: then the thread runs on when the
     * calling thread ends.
     */
    enum sl_look (*begin)(struct sl_source_context *context, pid_t tid,
                          struct sl_sighting *ret_sighting);
    enum sl_look (*finish)(struct sl_source_context *context, pid_t tid,
                           struct sl_sighting *sighting);
    void (*leave)(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting);

    /* What held_still goes by, for a source that sees all at once; else NULL. */
    enum sl_status (*recheck)(struct sl_source_context *context, struct sl_error *err);
    /* Did the thread not run since the sighting? */
    bool (*held_still)(struct sl_source_context *context, pid_t tid,
                       const struct sl_sighting *sighting);
};

extern const struct sl_register_source sl_source_proc, sl_source_ptrace;
extern const struct sl_register_source sl_source_bpf; /* when built with it */

#endif
