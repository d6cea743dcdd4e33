/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settling: how long to go on looking after Close returned.
 *
 * A pure state machine.  The caller lists the threads, feeds the list in, and
 * does what the answer says; so the policy can be tested without a clock.
 *
 * Threads of the baseline are done with.  Library threads (the caller says which
 * after it has seen their stacks) may stay until teardown, but the set of them has
 * to hold still.  Everything else may take until the window ends.
 */
#ifndef SL_LEAK_SETTLE_H
#define SL_LEAK_SETTLE_H

#include <strandline/error.h>

#include "harness/model/finding.h"

struct sl_settle;

struct sl_settle_thread {
    pid_t tid;
    uint64_t start_time;
    char name[16];
    bool library; /* known to belong to a resident library */
};

struct sl_settle_step {
    bool done;
    uint64_t wait_ns; /* until the next look; backs off from 1 ms to 50 ms */
};

/**
 * @param baseline   threads that were there at `start`
 * @param closed_ns  CLOCK_MONOTONIC when Close returned
 * @param window_ns  longest settle time
 */
SL_CHECKED enum sl_status sl_settle_new(const struct sl_settle_thread *baseline, size_t n_baseline,
                                        uint64_t closed_ns, uint64_t window_ns,
                                        struct sl_settle **ret_settle, struct sl_error *err);
void sl_settle_free(struct sl_settle *settle);
SL_DEFINE_AUTO(sl_settle, sl_settle_free);

/* One look at now_ns.  Threads in any order. */
SL_CHECKED enum sl_status sl_settle_feed(struct sl_settle *settle, uint64_t now_ns,
                                         const struct sl_settle_thread *threads, size_t n_threads,
                                         struct sl_settle_step *ret_step, struct sl_error *err);

/* Threads that were seen after Close and ended since; borrowed, valid until the next feed. */
void sl_settle_late(const struct sl_settle *settle, const struct sl_late_thread **ret_late,
                    size_t *ret_n_late);

#endif
