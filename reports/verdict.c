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
#include "reports/baseline.h"
#include "reports/cells.h"

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
    const char *cell_name;
    const struct sl_trial_result *trial;
};

static void add_breach(struct judge *judge, struct sl_breach breach)
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

static void add(struct judge *judge, enum sl_breach_kind kind, enum sl_rule rule,
                struct sl_value value, uint64_t limit)
{
    add_breach(judge,
               (struct sl_breach){.rule = rule, .kind = kind, .value = value, .limit = limit});
}

static void judge_ending(struct judge *judge)
{
    enum sl_trial_status status = judge->trial->status;

    if (status == SL_TRIAL_FAILED || status == SL_TRIAL_CRASHED)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_ENDING, SL_VALUE(0), 0);
}

/* A number that has a limit.  What a trial that ended badly lacks is explained by its ending. */
static void
judge_limit(struct judge *judge, enum sl_rule rule, struct sl_value value, uint64_t limit)
{
    if (value.missing && judge->trial->status == SL_TRIAL_OK)
        add(judge, SL_BREACH_UNMEASURED, rule, value, limit);
    if (!value.missing && value.value > limit)
        add(judge, SL_BREACH_BROKEN, rule, value, limit);
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
        uint32_t most = sl_known_most(&judge->known, judge->cell_name, group->fingerprint);
        breach.value.value -= SL_MIN(most, group->count);
        if (group->count > most)
            groups[breach.n_groups++] = group;
    }
    if (breach.value.value > breach.limit)
        add_breach(judge, breach);
}

/* What grows with every bus that is opened has no limit that it will not reach. */
static void judge_cycles(struct judge *judge)
{
    const struct sl_cycles *cycles = &judge->trial->cycles;
    struct sl_breach breach = {
        .rule = SL_RULE_CYCLES, .kind = SL_BREACH_BROKEN, .value = SL_VALUE(0)};

    for (size_t i = 0; i < cycles->n_groups; i++) {
        const struct sl_cycle_group *group = &cycles->groups[i];
        if (group->kind == SL_SLOPE_ONCE ||
            sl_known_count(&judge->known, judge->cell_name, group->fingerprint))
            continue;
        breach.value.value++;
        if (!breach.steepest || group->slope.value > breach.steepest->slope.value)
            breach.steepest = group;
    }
    if (breach.steepest)
        add_breach(judge, breach);
}

static void judge_leaks(struct judge *judge)
{
    enum sl_trial_status status = judge->trial->status;
    struct sl_value unknown = SL_MISSING_VALUE(judge->trial->leaks_missing);

    if (!unknown.missing)
        judge_counts(judge);
    else if (status == SL_TRIAL_OK || status == SL_TRIAL_TIMEOUT) /* else its ending says enough */
        add(judge, status == SL_TRIAL_OK ? SL_BREACH_UNMEASURED : SL_BREACH_BROKEN, SL_RULE_LEAKS,
            unknown, judge->policy->max_leaks);
}

/* "No thread leaked" says something only when there were threads and Close was called. */
static void judge_proof(struct judge *judge)
{
    const struct sl_trial_result *trial = judge->trial;
    struct sl_value before = trial->threads.before, peak = trial->threads.peak;

    if (trial->status != SL_TRIAL_OK || trial->leaks_missing || trial->leaks.count > 0)
        return;
    if (before.missing || peak.missing || peak.value <= before.value)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_THREADS, before.missing ? before : peak,
            before.value);
    if (!trial->close.reached)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_CLOSE, SL_VALUE(0), 0);
}

static void judge_close(struct judge *judge)
{
    const struct sl_close_result *close = &judge->trial->close;

    if (close->timed_out || (close->reached && !close->ok && judge->trial->status == SL_TRIAL_OK))
        add(judge, SL_BREACH_BROKEN, SL_RULE_CLOSE, close->duration_ns, 0);
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
    if (tried.missing || delivery->handled.missing || delivery->handled.value == 0)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_HANDLED, tried.missing ? tried : delivery->handled,
            tried.value);
    else if (!judge->cell->config.expects_leaks &&
             delivery->published.value < tried.value / 2 + tried.value % 2)
        add(judge, SL_BREACH_DOUBTFUL, SL_RULE_ACCEPTED, delivery->published, tried.value);
}

static void judge_load(struct judge *judge)
{
    const struct sl_value *lost = &judge->trial->delivery.lost;
    bool lost_some = !lost->missing && lost->value > 0;

    if (judge->trial->status == SL_TRIAL_TIMEOUT && !judge->trial->close.timed_out)
        add(judge, lost_some ? SL_BREACH_BROKEN : SL_BREACH_UNMEASURED, SL_RULE_LOAD, SL_VALUE(0),
            0);
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
    judge_cycles(judge);
    if (policy->descriptors.set)
        judge_limit(judge, SL_RULE_DESCRIPTORS, trial->left.descriptors, policy->descriptors.most);
    if (policy->processes.set)
        judge_limit(judge, SL_RULE_PROCESSES, trial->left.processes, policy->processes.most);
    judge_proof(judge);
    /* A fault that was seen needs no more messages to be one. */
    if (judge->n_of[SL_BREACH_BROKEN] == n_broken)
        judge_flow(judge);
}

static void judge_run(struct judge *judge)
{
    const struct sl_run_result *result = judge->result;
    const struct sl_control *control = &result->control;
    struct sl_value n_trials = SL_VALUE(sl_cells_count_trials(result));
    struct sl_value found = SL_VALUE(control->found);

    if (!control->ran)
        found.missing = control->reason ? control->reason : "no reason is recorded";
    if (result->run.interrupted)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_INTERRUPTED, n_trials, 0);
    if (found.missing || control->found != control->planted || control->planted == 0)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_CONTROL, found, control->planted);
    for (size_t i = 0; i < result->n_cells; i++) {
        judge->cell = &result->cells[i];
        judge->cell_name = sl_cell_name(judge->arena, judge->cell);
        if (!judge->cell_name) {
            judge->out_of_memory = true;
            return;
        }
        if (!judge->cell->n_trials)
            add(judge, SL_BREACH_UNMEASURED, SL_RULE_TRIALS, SL_VALUE(0), 0);
        for (size_t j = 0; j < judge->cell->n_trials; j++) {
            judge->trial = &judge->cell->trials[j];
            judge_trial(judge);
        }
        judge->trial = NULL;
    }
    judge->cell = NULL;
    if (!n_trials.value)
        add(judge, SL_BREACH_UNMEASURED, SL_RULE_TRIALS, SL_VALUE(0), 0);
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

    if (!sl_known_init(arena, policy->baseline, policy->ratchet, &judge.known))
        return sl_fail(err, SL_ENOMEM, "out of memory for a verdict");
    judge_run(&judge);
    enum sl_status status = conclude(&judge, ret_judgement, err);
    free(judge.breaches);
    return status;
}
