/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a result to an exit status.  Precedence 3, 1, 4: a run that could not
 * measure is never "failed", and never "ok".
 */
#ifndef SL_REPORTS_VERDICT_H
#define SL_REPORTS_VERDICT_H

#include <strandline/error.h>

#include "harness/model/result.h"
#include "reports/baseline.h"

/* Of something that is only shown when nobody limits it. */
struct sl_limit {
    bool set;
    uint64_t most; /* per trial */
};

struct sl_policy {
    uint32_t max_leaks;                     /* per trial */
    struct sl_limit descriptors, processes; /* that stay after Close */
    /* Leaks with a fingerprint of one of its leaks are known, in whatever cell and number: they
       do not count.  NULL: none is known. */
    const struct sl_run_result *baseline;
    /* Or those of a baseline, in their cell and as many as it has.  NULL: there is none. */
    const struct sl_baseline *ratchet;
    const char *baseline_name; /* what texts call it */
};

/* What is judged. */
enum sl_rule {
    SL_RULE_INTERRUPTED, /* value: trials played */
    SL_RULE_CONTROL,     /* value: planted leaks that were found; limit: all of them */
    SL_RULE_TRIALS,      /* of the run, or of a cell: there are none */
    SL_RULE_ENDING,      /* of a trial that failed or crashed, which says the rest */
    SL_RULE_CLOSE,       /* past its deadline, with an error, or not called */
    SL_RULE_LOST,
    SL_RULE_ORDER,
    SL_RULE_LOAD,   /* did not end in time */
    SL_RULE_LEAKS,  /* of all groups that the baseline has not */
    SL_RULE_CYCLES, /* value: groups that grow over the cycles and that the baseline has not */
    SL_RULE_DESCRIPTORS,
    SL_RULE_PROCESSES,
    SL_RULE_THREADS,  /* value: at peak; limit: before the load, to be exceeded */
    SL_RULE_HANDLED,  /* messages; limit: those that were tried */
    SL_RULE_ACCEPTED, /* limit: messages that were tried, of which half is enough */
    SL_N_RULES
};

/* In the order in which they decide. */
enum sl_breach_kind {
    SL_BREACH_UNMEASURED, /* could not be measured, or proves nothing */
    SL_BREACH_BROKEN,     /* broke the policy */
    SL_BREACH_DOUBTFUL,   /* was measured and says too little */
    SL_N_BREACH_KINDS
};

/* One fact that keeps a result from being ok.  Borrows from the result. */
struct sl_breach {
    enum sl_rule rule;
    enum sl_breach_kind kind;
    const struct sl_cell_result *cell;    /* NULL: the run's */
    const struct sl_trial_result *trial;  /* of the cell; NULL: the cell's, or the run's */
    const struct sl_group *const *groups; /* of leaks: those that count against the policy */
    size_t n_groups;
    const struct sl_cycle_group *steepest; /* of the groups that grow; NULL: another rule */
    struct sl_value value;                 /* missing: this is why the rule could not be judged */
    uint64_t limit;                        /* that the value broke */
};

struct sl_judgement {
    const struct sl_run_result *result;
    const struct sl_policy *policy;
    int exit;                         /* as in struct sl_verdict */
    const struct sl_breach *breaches; /* those of a kind together, in the order of the cells */
    size_t n_breaches;
};

/**
 * Judge a result.
 *
 * Fails (1): more leaks than max_leaks in a trial, a group that grows with the cycles of a trial
 * whatever max_leaks is, more descriptors or processes left than the
 * policy allows, where it does limit them, lost messages, order violations,
 * Close past its deadline or with an error.  Could not measure (3): a trial that failed or
 * crashed, or whose load did not end and lost nothing that is known; leaks, losses or order that
 * could not be determined; a cell without trials; no leaks in a trial that created no thread or
 * did not call Close; a trial in which nothing failed because no message was handled; a control
 * that did not run or did not find what it planted; an interrupted run.  What a trial could not
 * measure because Close hung does not make it a 3.  Inconclusive (4): a trial in which nothing
 * failed, but less than half of the messages that were tried were accepted, without a fault that
 * was planted.
 *
 * @param result, policy  have to outlive the judgement
 * @param arena           owns the breaches
 */
SL_CHECKED enum sl_status
sl_verdict_evaluate(const struct sl_run_result *result, const struct sl_policy *policy,
                    struct sl_arena *arena, struct sl_judgement *ret_judgement,
                    struct sl_error *err);

#endif
