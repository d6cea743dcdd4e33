/* SPDX-License-Identifier: Apache-2.0 */
/* A trial while it is played; shared by the files that play it. */
#ifndef SL_RUN_TRIAL_INTERNAL_H
#define SL_RUN_TRIAL_INTERNAL_H

#include "base/clock.h"
#include "harness/load/tally.h"
#include "harness/observe/observe.h"
#include "harness/process/output.h"
#include "harness/process/process.h"
#include "harness/run/dialogue.h"
#include "harness/run/trial_input.h"

/* Given on top of the scenario's own limits, which the subject keeps by itself. */
#define TRIAL_GRACE_NS (10 * SL_NS_PER_S)

/* The groups that were there when each cycle had settled, those of libraries among them. */
struct trial_cycles {
    const struct sl_finding *findings[SL_CYCLES_MAX];
    size_t n_findings[SL_CYCLES_MAX];
    size_t n;
};

struct trial {
    const struct sl_trial_input *input;
    struct sl_arena *arena;
    struct sl_trial_result *result;
    struct sl_process process;
    int phase;                    /* enum sl_phase reached last; -1 before `start` */
    struct sl_dialogue dialogue;  /* what the subject may say */
    bool distrusted;              /* it said something else: its trial has no numbers */
    uint64_t most_threads;        /* that the kernel had of it when it told of some */
    bool failure_told;            /* the subject reported a failure, and exits accordingly */
    const char *teardown_failure; /* or NULL */
    struct sl_driver_record driver;
    const char *modules[SL_DRIVER_MODULES + 1];
    struct sl_leak_witness witnesses[SL_DRIVER_WITNESSES + 1];
    struct sl_record record; /* read last */
    struct sl_tally *tally;  /* of a shared load, as the local subject told it last; or NULL */
    bool agents_begun;
    bool agents_closed;                     /* their tallies are final */
    struct sl_load_record merged;           /* what all processes know, once agents_closed */
    struct sl_observation *observation;     /* from `start` on; NULL before */
    struct trial_cycles cycles;             /* where there are to be more than one life of a bus */
    struct sl_holdings *held, *held_closed; /* at `start`, and after Close */
    uint64_t began_ns, told_ns;             /* told_ns: of its progress; 0: never */
    uint64_t states_at;                     /* of the messages, in the subject; 0: not known */
    struct sl_output output;
    struct sl_crash crash; /* signal 0: none was seen */
};

#endif
