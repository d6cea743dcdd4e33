/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules, one function each.  A rule adds what broke the policy, what could not be
 * measured, and what was measured but says too little for a verdict.
 *
 * A trial that timed out is judged by what it shows.  A Close past its deadline,
 * or messages lost by a load that did not end, are the bus's own failure, whatever
 * else could then not be measured; a load that did not end and shows neither is
 * nobody's proven fault, and counts as not measured.
 */
#include "reports/verdict.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/grow.h"
#include "reports/cells.h"
#include "reports/known.h"

struct judge {
    const struct sl_run_result *result;
    const struct sl_policy *policy;
    struct sl_arena *arena;
    struct sl_breach *breaches; /* malloc; as they are found */
    size_t n_breaches, capacity;
    size_t n_of[SL_N_BREACH_KINDS];
    struct sl_known known; /* leaks of the baseline */
    bool out_of_memory;
    /* What is being judged; NULL: the run, or all of the cell. */
    const struct sl_cell_result *cell;
    const struct sl_trial_result *trial;
};

static void add(struct judge *judge, struct sl_breach breach)
{
    if (!sl_grow(&judge->breaches, &judge->capacity, judge->n_breaches + 1)) {
        judge->out_of_memory = true;
        return;
    }
    breach.cell = judge->cell;
    breach.trial = judge->trial;
    judge->breaches[judge->n_breaches++] = breach;
    judge->n_of[breach.kind]++;
}

static void add_unmeasured(struct judge *judge, enum sl_rule rule, struct sl_value value)
{
    add(judge, (struct sl_breach){.rule = rule, .kind = SL_BREACH_UNMEASURED, .value = value});
}

static void
add_broken(struct judge *judge, enum sl_rule rule, struct sl_value value, uint64_t limit)
{
    add(judge,
        (struct sl_breach){.rule = rule, .kind = SL_BREACH_BROKEN, .value = value, .limit = limit});
}

static void judge_ending(struct judge *judge)
{
    enum sl_trial_status status = judge->trial->status;

    if (status == SL_TRIAL_FAILED || status == SL_TRIAL_CRASHED)
        add_unmeasured(judge, SL_RULE_ENDING, SL_VALUE(0));
}

/* A number that has a limit.  One that a trial that ended badly lacks is explained by its ending.
 */
static void
judge_limit(struct judge *judge, enum sl_rule rule, struct sl_value value, uint64_t limit)
{
    if (value.missing && judge->trial->status == SL_TRIAL_OK)
        add_unmeasured(judge, rule, value);
    if (!value.missing && value.value > limit)
        add_broken(judge, rule, value, limit);
}

/* Leaks that the policy does not know already. */
static void judge_counts(struct judge *judge)
{
    const struct sl_leak_report *leaks = &judge->trial->leaks;
    const struct sl_group **groups =
        sl_arena_array(judge->arena, leaks->n_findings, sizeof *groups);
    struct sl_breach breach = {.rule = SL_RULE_LEAKS,
                               .kind = SL_BREACH_BROKEN,
                               .groups = groups,
                               .value = SL_VALUE(leaks->count),
                               .limit = judge->policy->max_leaks};

    judge->out_of_memory |= !groups;
    for (size_t i = 0; groups && i < leaks->n_findings; i++) {
        const struct sl_group *group = &leaks->findings[i].group;
        if (!leaks->findings[i].counted)
            continue;
        if (sl_known_count(&judge->known, group->fingerprint))
            breach.value.value -= group->count;
        else
            groups[breach.n_groups++] = group;
    }
    if (breach.value.value > breach.limit)
        add(judge, breach);
}

static void judge_leaks(struct judge *judge)
{
    struct sl_value unknown = SL_MISSING_VALUE(judge->trial->leaks_missing);

    if (!unknown.missing)
        judge_counts(judge);
    else if (judge->trial->status == SL_TRIAL_OK)
        add_unmeasured(judge, SL_RULE_LEAKS, unknown);
    else if (judge->trial->status == SL_TRIAL_TIMEOUT)
        add_broken(judge, SL_RULE_LEAKS, unknown, judge->policy->max_leaks);
    /* of the others the ending says enough */
}

/* "No thread leaked" says something only when there were threads and Close was called. */
static void judge_proof(struct judge *judge)
{
    const struct sl_trial_result *trial = judge->trial;
    const struct sl_value *before = &trial->threads.before, *peak = &trial->threads.peak;

    if (trial->status != SL_TRIAL_OK || trial->leaks_missing || trial->leaks.count > 0)
        return;
    if (before->missing)
        add_unmeasured(judge, SL_RULE_THREADS, *before);
    else if (peak->missing || peak->value <= before->value)
        add(judge, (struct sl_breach){.rule = SL_RULE_THREADS,
                                      .kind = SL_BREACH_UNMEASURED,
                                      .value = *peak,
                                      .limit = before->value});
    if (!trial->close.reached)
        add_unmeasured(judge, SL_RULE_CLOSE, SL_VALUE(0));
}

static void judge_close(struct judge *judge)
{
    const struct sl_close_result *close = &judge->trial->close;

    if (close->timed_out || (close->reached && !close->ok && judge->trial->status == SL_TRIAL_OK))
        add_broken(judge, SL_RULE_CLOSE, close->duration_ns, 0);
}

/*
 * "Nothing was lost" says something only of messages that were taken and handled.  A bus that
 * refused most of a load was not put under it, unless a fault was planted that makes it.
 */
static void judge_flow(struct judge *judge)
{
    const struct sl_delivery *delivery = &judge->trial->delivery;
    struct sl_value tried = sl_delivery_tried(delivery);

    if (judge->trial->status != SL_TRIAL_OK)
        return;
    if (tried.missing)
        add_unmeasured(judge, SL_RULE_HANDLED, tried);
    else if (delivery->handled.missing || delivery->handled.value == 0)
        add_unmeasured(judge, SL_RULE_HANDLED, delivery->handled);
    else if (!judge->cell->config.expects_leaks &&
             delivery->published.value < tried.value / 2 + tried.value % 2)
        add(judge, (struct sl_breach){.rule = SL_RULE_ACCEPTED,
                                      .kind = SL_BREACH_DOUBTFUL,
                                      .value = delivery->published,
                                      .limit = tried.value});
}

static void judge_load(struct judge *judge)
{
    const struct sl_value *lost = &judge->trial->delivery.lost;
    bool lost_some = !lost->missing && lost->value > 0;

    if (judge->trial->status == SL_TRIAL_TIMEOUT && !judge->trial->close.timed_out)
        add(judge, (struct sl_breach){.rule = SL_RULE_LOAD,
                                      .kind = lost_some ? SL_BREACH_BROKEN : SL_BREACH_UNMEASURED});
}

static void judge_trial(struct judge *judge)
{
    const struct sl_policy *policy = judge->policy;
    const struct sl_trial_result *trial = judge->trial;
    size_t n_broken = judge->n_of[SL_BREACH_BROKEN];

    judge_ending(judge);
    judge_close(judge);
    judge_limit(judge, SL_RULE_LOST, trial->delivery.lost, 0);
    judge_limit(judge, SL_RULE_ORDER, trial->delivery.order_violations, 0);
    judge_load(judge);
    judge_leaks(judge);
    if (policy->descriptors.set)
        judge_limit(judge, SL_RULE_DESCRIPTORS, trial->left.descriptors, policy->descriptors.most);
    if (policy->processes.set)
        judge_limit(judge, SL_RULE_PROCESSES, trial->left.processes, policy->processes.most);
    judge_proof(judge);
    /* A fault that was seen needs no more messages to be one. */
    if (judge->n_of[SL_BREACH_BROKEN] == n_broken)
        judge_flow(judge);
}

static void judge_cells(struct judge *judge)
{
    const struct sl_run_result *result = judge->result;

    for (size_t i = 0; i < result->n_cells; i++) {
        const struct sl_cell_result *cell = &result->cells[i];
        judge->cell = cell;
        judge->trial = NULL;
        if (!cell->n_trials)
            add_unmeasured(judge, SL_RULE_TRIALS, SL_VALUE(0));
        for (size_t j = 0; j < cell->n_trials; j++) {
            judge->trial = &cell->trials[j];
            judge_trial(judge);
        }
    }
    judge->cell = NULL;
    judge->trial = NULL;
}

static void judge_run(struct judge *judge)
{
    const struct sl_control *control = &judge->result->control;
    size_t n_trials = sl_cells_count_trials(judge->result);

    if (judge->result->run.interrupted)
        add_unmeasured(judge, SL_RULE_INTERRUPTED, SL_VALUE(n_trials));
    if (!control->ran)
        add_unmeasured(
            judge, SL_RULE_CONTROL,
            SL_MISSING_VALUE(control->reason ? control->reason : "no reason is recorded"));
    else if (control->found != control->planted || control->planted == 0)
        add(judge, (struct sl_breach){.rule = SL_RULE_CONTROL,
                                      .kind = SL_BREACH_UNMEASURED,
                                      .value = SL_VALUE(control->found),
                                      .limit = control->planted});
    judge_cells(judge);
    if (!n_trials)
        add_unmeasured(judge, SL_RULE_TRIALS, SL_VALUE(0));
}

/* The breaches into the arena, in the order in which they decide. */
static enum sl_status
conclude(struct judge *judge, struct sl_judgement *ret_judgement, struct sl_error *err)
{
    static const int exits[] = {
        [SL_BREACH_UNMEASURED] = 3,
        [SL_BREACH_BROKEN] = 1,
        [SL_BREACH_DOUBTFUL] = 4,
    };
    struct sl_breach *breaches = sl_arena_array(judge->arena, judge->n_breaches, sizeof *breaches);
    size_t n = 0;

    if (!breaches || judge->out_of_memory)
        return sl_fail(err, SL_ENOMEM, "out of memory for a verdict");
    for (unsigned kind = 0; kind < SL_N_BREACH_KINDS; kind++)
        for (size_t i = 0; i < judge->n_breaches; i++)
            if (judge->breaches[i].kind == kind)
                breaches[n++] = judge->breaches[i];
    *ret_judgement = (struct sl_judgement){
        .result = judge->result,
        .policy = judge->policy,
        .exit = n ? exits[breaches[0].kind] : 0,
        .breaches = breaches,
        .n_breaches = n,
    };
    return SL_OK;
}

enum sl_status sl_verdict_evaluate(const struct sl_run_result *result,
                                   const struct sl_policy *policy, struct sl_arena *arena,
                                   struct sl_judgement *ret_judgement, struct sl_error *err)
{
    struct judge judge = {.result = result, .policy = policy, .arena = arena};

    if (policy->baseline && !sl_known_init(arena, policy->baseline, &judge.known))
        return sl_fail(err, SL_ENOMEM, "out of memory for a verdict");
    judge_run(&judge);
    enum sl_status status = conclude(&judge, ret_judgement, err);
    free(judge.breaches);
    return status;
}
