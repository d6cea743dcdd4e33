/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `strandline selftest` plays: each fault of the bus, each state that can be planted, and
 * loads in which nothing is wrong; and what of them is known beforehand.
 */
#ifndef SL_CLI_SELFTEST_H
#define SL_CLI_SELFTEST_H

#include <strandline/bus_fault.h>

#include "base/arena.h"
#include "harness/model/result.h"
#include "harness/run/run_plan.h"

enum selftest_outcome {
    SELFTEST_NOT_PLAYED,
    SELFTEST_HIT,
    SELFTEST_MISS,        /* what is there was not found, or not called by its name */
    SELFTEST_FALSE_ALARM, /* what is not there was found */
    SELFTEST_N_OUTCOMES
};

/* What is there, and what of it was found. */
struct selftest_facts {
    const char *function; /* on the stacks of the threads that stay or hang; NULL: any, or none */
    const char *cause;    /* of these; NULL: any, or none */
    uint32_t threads;     /* of this function and cause; at least one where many_threads */
    bool many_threads;    /* nobody can say how many */
    uint32_t leaked;      /* in all */
    uint32_t late;
    enum bus_fault_hang hang;
    bool lost, disorder, crash, unanswered;
    enum sl_proof_grade proof; /* expected of the threads, or made of them; NONE: none */
    const char *reached_by;    /* the root from which threads that are alive are reached, or NULL */
};

struct selftest_row {
    const char *kind; /* "fault", "state", "clean" */
    const char *name;
    struct sl_run_cell cell;
    struct selftest_facts expected, found;
    const struct selftest_facts *seen; /* what was found; NULL: it was not played */
    enum selftest_outcome outcome;
    const char *reason; /* why it is no hit; NULL: it is one */
};

/* What has no row, and why. */
struct selftest_left_out {
    const char *name, *reason;
};

struct selftest {
    struct selftest_row *rows;
    size_t n_rows;
    struct selftest_left_out *left_out;
    size_t n_left_out;
};

/* All rows, not played.  @return false when memory is short */
bool selftest_list(struct sl_arena *arena, struct selftest *ret_selftest);

/* Hold what was measured against what is there.  The row must not move from then on. */
void selftest_judge(struct selftest_row *row, const struct sl_trial_result *trial,
                    struct sl_arena *arena);

const char *selftest_outcome_text(enum selftest_outcome outcome);
const char *selftest_hang_text(enum bus_fault_hang hang);

#endif
