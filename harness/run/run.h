/* SPDX-License-Identifier: Apache-2.0 */
/* A run: the trials of a plan, one after the other, and the server they need. */
#ifndef SL_RUN_H
#define SL_RUN_H

#include <strandline/error.h>

#include "harness/model/result.h"
#include "harness/run/agents.h"
#include "harness/run/run_plan.h"
#include "harness/run/trial.h"

/* What is about to be played, or how far it is; for a progress line. */
struct sl_run_progress {
    size_t trial, n_trials; /* 1-based, over the whole run */
    const struct sl_run_cell *cell;
    struct sl_trial_progress at;
};

struct sl_run_opts {
    const struct sl_run_plan *plan;
    struct sl_bus_choice bus;
    unsigned cluster;               /* nodes of the private server; 0: 1 */
    const char *server_program;     /* of the private server; NULL: nats-server */
    const struct sl_agents *agents; /* that play parts of trials over `servers`; NULL: none */
    uint64_t seed;
    struct sl_leak_rules rules; /* of files */
    uint32_t cycles; /* of each trial, SL_CYCLES_MAX at most; 0: the bus is opened once */
    bool strict;     /* count the threads that libraries keep for all of the process as well */
    bool no_prove;   /* nothing is proven of what stayed */
    int wake_fd;     /* becomes readable when the run is to stop; -1: never */
    void (*on_trial)(void *user, const struct sl_run_progress *progress); /* or NULL */
    /* A line that the driver printed, which may hold control characters; or NULL. */
    void (*on_output)(void *user, const char *driver, const char *line);
    void *user;
};

/**
 * Play a plan.
 *
 * Before the first cell a known leak is planted and looked for (result->control).
 * Trials of one scenario are interleaved over its cells, the order reversed in every
 * other round.  A trial that fails is a result, and the next one is played; a
 * private server that does not answer any more is replaced, and a node of it that died
 * is started again.  One dead node does not fail a trial as long as the majority of the
 * nodes runs.  What a trial made on a server of somebody else is removed after it, also
 * when the run is interrupted.
 *
 * @param ret_result  without tool, argv and verdict; free with sl_run_result_free().  When the
 *                    run was interrupted, run.interrupted is set and cells that were not
 *                    played are absent
 * @return SL_ENOENT  a server is needed and none is installed
 *         SL_ECONNECT the server named does not answer
 *         SL_EPERM   subjects may not be inspected
 */
SL_CHECKED enum sl_status sl_run_execute(const struct sl_run_opts *opts,
                                         struct sl_run_result **ret_result, struct sl_error *err);

#endif
