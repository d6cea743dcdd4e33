/* SPDX-License-Identifier: Apache-2.0 */
/* Where the registers of a thread come from: one const table per way. */
#ifndef SL_SNAPSHOT_SOURCE_H
#define SL_SNAPSHOT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/descriptor.h"
#include "harness/snapshot/target.h"
#include "harness/snapshot/view.h"

enum sl_look {
    SL_LOOK_OK,
    SL_LOOK_RUNNING,   /* on a CPU, or waiting for one */
    SL_LOOK_GONE,      /* the thread has ended */
    SL_LOOK_KERNEL,    /* a worker of the kernel inside the process: no user registers */
    SL_LOOK_REFUSED,   /* not permitted */
    SL_LOOK_UNSAFE,    /* stopping it would make its system call fail with EINTR */
    SL_LOOK_UNSTOPPED, /* did not stop within the budget */
    SL_LOOK_FAILED     /* anything else */
};

/* What was seen of a thread. */
struct sl_sighting {
    struct sl_registers registers;
    bool blocked;           /* call is valid */
    struct sl_syscall call; /* what it is blocked in */
};

struct sl_source_context {
    struct sl_target *target;
    struct sl_descriptors *descriptors;
    bool allow_stop; /* also where a system call then fails with EINTR */
    uint64_t stop_budget_ns;
    int pending_signal; /* ptrace: taken from the thread by the stop, given back by leave */
};

/*
 * look returned SL_LOOK_OK => leave is called exactly once for the thread, after
 * its stack was read.  A source that stops the thread lets it run again there.
 */
struct sl_register_source {
    enum sl_source id;
    bool stops;
    enum sl_look (*look)(struct sl_source_context *context, pid_t tid,
                         struct sl_sighting *ret_sighting);
    void (*leave)(struct sl_source_context *context, pid_t tid);
};

extern const struct sl_register_source sl_source_proc, sl_source_ptrace;

#endif
