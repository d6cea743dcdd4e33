/* SPDX-License-Identifier: Apache-2.0 */
/* A trial while it is played; shared by the files that play it. */
#ifndef SL_RUN_TRIAL_INTERNAL_H
#define SL_RUN_TRIAL_INTERNAL_H

#include "base/clock.h"
#include "harness/leak/leak.h"
#include "harness/load/tally.h"
#include "harness/observe/observe.h"
#include "harness/process/output.h"
#include "harness/process/process.h"
#include "harness/run/protocol.h"
#include "harness/run/trial.h"

/* Given on top of the scenario's own limits, which the subject keeps by itself. */
#define TRIAL_GRACE_NS (10 * SL_NS_PER_S)

struct trial {
    const struct sl_trial_input *input;
    struct sl_arena *arena;
    struct sl_trial_result *result;
    struct sl_process process;
    int phase; /* enum sl_phase reached last; -1 before `start` */
    uint64_t closed_ns;
    uint64_t settle_ns;
    bool failure_told;            /* the subject reported a failure, and exits accordingly */
    const char *teardown_failure; /* or NULL */
    const struct sl_late_thread *late;
    size_t n_late;
    struct sl_driver_record driver;
    const char *modules[SL_DRIVER_MODULES + 1];
    struct sl_leak_witness witnesses[SL_DRIVER_WITNESSES + 1];
    void *record; /* room for `capacity` bytes of any record */
    size_t capacity;
    struct sl_tally *tally; /* of a shared load, as the local subject told it last; or NULL */
    bool agents_begun;
    bool agents_closed;           /* their tallies are final */
    struct sl_load_record merged; /* what all processes know, once agents_closed */
    struct sl_snapshot *start, *loaded, *closed, *settled, *torn_down;
    struct sl_holdings *held;   /* at `start` */
    uint64_t began_ns, told_ns; /* told_ns: of its progress; 0: never */
    uint64_t states_at;         /* of the messages, in the subject; 0: not known */
    struct sl_output output;
    struct sl_crash crash; /* signal 0: none was seen */
};

/* Tell who wants to know how far it is, when it is time to. */
void trial_tell_progress(struct trial *trial);

enum sl_status trial_take_snapshot(struct trial *trial, bool symbols,
                                   struct sl_snapshot **ret_snapshot, struct sl_error *err);

/* The first failure explains the later ones.  step: where it was; SL_STEP_NONE: nowhere. */
void trial_fail(struct trial *trial, enum sl_trial_status status, enum sl_step step,
                const char *reason);

/* If a thread of the subject crashed and waits: keep the stacks and let it end. */
void trial_look_for_crash(struct trial *trial);

/*
 * Wait until the subject has something to say, or an agent had, which was looked at.  Looks after
 * the server and interrupts meanwhile.
 */
enum sl_status
trial_await(struct trial *trial, uint64_t deadline_ns, bool *ret_subject, struct sl_error *err);

/* What it means that playing the phases ended with s.  Leaves no subject behind. */
enum sl_status trial_conclude(struct trial *trial, enum sl_status s, struct sl_error *err);

/*
 * The agents of a trial, in the order of the calls; each does nothing without agents.
 *
 *     begin    the local subject is about to be started; its config gets its share
 *     open     it is about to be told to open
 *     go       it is open, and about to be told to go on
 *     publish  it was told
 *     close    it has handled everything
 *     merge    put what all processes know into a record of the local subject
 *     end      the local subject is gone
 */
enum sl_status
trial_agents_begin(struct trial *trial, struct sl_subject_config *config, struct sl_error *err);
enum sl_status trial_agents_open(struct trial *trial, struct sl_error *err);
enum sl_status trial_agents_go(struct trial *trial, struct sl_error *err);
enum sl_status trial_agents_publish(struct trial *trial, struct sl_error *err);
enum sl_status trial_agents_close(struct trial *trial, struct sl_error *err);
enum sl_status
trial_agents_merge(struct trial *trial, struct sl_load_record *record, struct sl_error *err);
void trial_agents_end(struct trial *trial);

#endif
