/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules, a row each: a number, what it is by the other numbers, and how the two are named.
 * They hold for every report that a run writes, however it ended: what is held against a number
 * was counted from the same messages, threads and times.  A row with nothing to say has no number.
 */
#include "reports/contradiction.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "reports/cells.h"

enum relation { IS, AT_MOST };

struct rule {
    const char *what;
    struct sl_value number;
    enum relation relation;
    const char *other;
    struct sl_value against;
};

/* Where the numbers are that are being looked at. */
struct place {
    const char *name; /* of the file */
    char path[64];    /* "cells[0].trials[1]: " */
    struct sl_error *err;
};

static struct sl_value when(bool condition, uint64_t number)
{
    return condition ? SL_VALUE(number) : SL_NOT_SAID;
}

static struct sl_value sum(struct sl_value a, struct sl_value b)
{
    return (struct sl_value){a.value + b.value, a.missing ? a.missing : b.missing};
}

static struct sl_value rest(struct sl_value a, struct sl_value b)
{
    return (struct sl_value){a.value > b.value ? a.value - b.value : 0,
                             a.missing ? a.missing : b.missing};
}

static enum sl_status hold(const struct place *place, const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = &rules[i];
        uint64_t number = rule->number.value, against = rule->against.value;
        if (rule->number.missing || rule->against.missing || number == against ||
            (rule->relation == AT_MOST && number < against))
            continue;
        return sl_fail_parse(place->err, 0, 0, "%s: %s%s is %" PRIu64 ", %s %s is %" PRIu64,
                             place->name, place->path, rule->what, number,
                             rule->relation == AT_MOST ? "more than" : "but", rule->other, against);
    }
    return SL_OK;
}

#define HOLD(place, rules) hold(place, rules, SL_COUNT_OF(rules))

static enum sl_status hold_delivery(const struct place *place, const struct sl_cell_result *cell,
                                    const struct sl_trial_result *trial)
{
    const struct sl_delivery *delivery = &trial->delivery;
    const bool ok = trial->status == SL_TRIAL_OK;
    const struct sl_value tried = sl_delivery_tried(delivery),
                          events = SL_VALUE(cell->config.events);
    const struct sl_value calls = sum(delivery->handled, delivery->duplicates);
    /* While leaked threads go on handling, two counters cannot be read at once. */
    const bool quiet = ok && !trial->leaks_missing && !trial->leaks.count;
    const struct rule rules[] = {
        {"delivery.handled", delivery->handled, AT_MOST, "delivery.published", delivery->published},
        {"delivery.lost", delivery->lost, IS, "delivery.published - delivery.handled",
         rest(delivery->published, delivery->handled)},
        {"delivery.published + rejected + unknown", tried, AT_MOST, "config.events", events},
        {"delivery.published + rejected + unknown", tried, IS,
         "config.events, all of which an ok trial tries,", when(ok, cell->config.events)},
        {"delivery.redelivered", delivery->redelivered, AT_MOST, "delivery.handled + duplicates",
         quiet ? calls : when(false, 0)},
        {"the number of 'delivery.first_violation'", when(delivery->first_violation, 1), AT_MOST,
         "delivery.order_violations", delivery->order_violations},
        {"latency.publish.count", trial->latency.publish.count, AT_MOST,
         "delivery.published + rejected", sum(delivery->published, delivery->rejected)},
        {"latency.end_to_end.count", trial->latency.end_to_end.count, AT_MOST, "config.events",
         events},
        {"the number of 'rate.publish'", when(!trial->rate.publish.missing, 1), AT_MOST,
         "delivery.published", delivery->published},
        {"the number of 'rate.delivered'", when(!trial->rate.delivered.missing, 1), AT_MOST,
         "delivery.handled", delivery->handled},
    };
    return HOLD(place, rules);
}

/* The same for each process that had a part. */
static enum sl_status hold_agents(const struct place *place, const struct sl_trial_result *trial)
{
    struct sl_value published = SL_VALUE(0);

    for (size_t i = 0; i < trial->n_agents; i++) {
        const struct sl_agent_result *agent = &trial->agents[i];
        const struct rule rules[] = {
            {"the 'handled' of an agent", agent->handled, AT_MOST, "delivery.handled",
             trial->delivery.handled},
        };
        published = sum(published, agent->published);
        enum sl_status status = HOLD(place, rules);
        if (status)
            return status;
    }
    const struct rule rules[] = {
        {"the sum of the agents' 'published'", published, AT_MOST, "delivery.published",
         trial->delivery.published},
    };
    return HOLD(place, rules);
}

/* From the least to the most, of those that there are. */
static enum sl_status
hold_latency(const struct place *place, const struct sl_latency *latency, const char *what)
{
    const struct {
        const char *name;
        struct sl_value number;
    } points[] = {{"min", latency->min}, {"p50", latency->p50},   {"p90", latency->p90},
                  {"p99", latency->p99}, {"p999", latency->p999}, {"max", latency->max}};
    size_t before = 0;
    char name[32], other[32];

    for (size_t i = 0; i < SL_COUNT_OF(points); i++) {
        if (points[i].number.missing)
            continue;
        (void) snprintf(name, sizeof name, "%s.%s", what, points[before].name);
        (void) snprintf(other, sizeof other, "%s.%s", what, points[i].name);
        const struct rule rules[] = {
            {name, points[before].number, AT_MOST, other, points[i].number},
            {other, points[i].number, AT_MOST, "what there is without a sample",
             when(!latency->count.missing && !latency->count.value, 0)},
        };
        enum sl_status status = HOLD(place, rules);
        if (status)
            return status;
        before = i;
    }
    return SL_OK;
}

static enum sl_status hold_groups(const struct place *place, const struct sl_leak_report *leaks)
{
    struct sl_value counted = {0}, shown = {0}, ignored = {0}, unjoined = {0};

    for (size_t i = 0; i < leaks->n_findings; i++) {
        const struct sl_finding *finding = &leaks->findings[i];
        const struct sl_group *group = &finding->group;
        struct place at = *place;
        const struct rule rules[] = {
            {"one thread", SL_VALUE(1), AT_MOST, "count", SL_VALUE(group->count)},
            {"the number of tids", SL_VALUE(group->n_ids), AT_MOST, "count",
             SL_VALUE(group->count)},
            {"the grade 'complete'", when(group->grade == SL_GRADE_COMPLETE, 1), AT_MOST,
             "complete", SL_VALUE(group->complete)},
            {"counted", SL_VALUE(finding->counted), IS, "that of its cause",
             SL_VALUE(finding->cause != SL_CAUSE_RESIDENT && !finding->ignored)},
        };
        struct sl_value *part = finding->counted ? &counted : finding->ignored ? &ignored : &shown;
        part->value += group->count;
        unjoined.value +=
            part == &counted && finding->cause == SL_CAUSE_UNJOINED ? group->count : 0;
        size_t length = strcspn(at.path, " ");
        (void) snprintf(at.path + length - 1, sizeof at.path - length + 1,
                        ".leaks.groups[%zu]: ", i);
        enum sl_status status = HOLD(&at, rules);
        if (status)
            return status;
    }
    const struct rule rules[] = {
        {"leaks.count", SL_VALUE(leaks->count), IS, "the sum over the groups that are counted",
         counted},
        {"leaks.resident", SL_VALUE(leaks->resident), IS,
         "the sum over the groups that are not counted", shown},
        {"leaks.ignored", SL_VALUE(leaks->ignored), IS, "the sum over ignored groups", ignored},
        {"the sum over the groups of cause unjoined", unjoined, AT_MOST, "leaks.unjoined",
         leaks->unjoined_missing ? when(false, 0) : SL_VALUE(leaks->unjoined)},
    };
    return HOLD(place, rules);
}

static enum sl_status hold_threads(const struct place *place, const struct sl_trial_result *trial)
{
    const struct sl_leak_report *leaks = &trial->leaks;
    const bool known = !trial->leaks_missing;
    const struct sl_value alive = when(known, leaks->count - leaks->unjoined);
    const struct rule rules[] = {
        {"leaks.unjoined", when(known, leaks->unjoined), AT_MOST, "leaks.count",
         SL_VALUE(leaks->count)},
        {"leaks.count - leaks.unjoined", alive, AT_MOST, "threads.after", trial->threads.after},
        {leaks->ignored ? "threads.after - leaks.ignored" : "threads.after",
         rest(trial->threads.after, SL_VALUE(leaks->ignored)), AT_MOST,
         "threads.before + leaks.count - leaks.unjoined + leaks.resident",
         sum(trial->threads.before, sum(alive, SL_VALUE(leaks->resident)))},
        {"snapshot.threads", SL_VALUE(trial->snapshot.threads), IS, "threads.after",
         trial->threads.after},
        {"leaks.late", when(known, leaks->late), IS, "the number of leaks.late_threads",
         SL_VALUE(leaks->n_late_threads)},
        {"the number of leaks.groups where leaks are not known",
         when(!known, leaks->n_findings + leaks->n_late_threads), IS, "what can be known",
         SL_VALUE(0)},
    };
    enum sl_status status = known ? hold_groups(place, leaks) : SL_OK;
    return status ? status : HOLD(place, rules);
}

static enum sl_status
hold_cycle_group(const struct place *place, const struct sl_trial_result *trial, size_t i)
{
    const struct sl_cycle_group *group = &trial->cycles.groups[i];
    struct sl_real slope;
    enum sl_slope kind = sl_cycles_judge(group->counts, group->n_counts, &slope);
    const bool slope_differs = !slope.missing != !group->slope.missing ||
                               (!slope.missing && slope.value != group->slope.value);
    const struct rule rules[] = {
        {"the number of counts of a group in cycles", SL_VALUE(group->n_counts), IS, "cycles.n",
         SL_VALUE(trial->cycles.n)},
        {"a slope in cycles that is not that of its counts", SL_VALUE(slope_differs), IS,
         "what there can be of such", SL_VALUE(0)},
        {"a kind in cycles that is not that of its counts", SL_VALUE(kind != group->kind), IS,
         "what there can be of such", SL_VALUE(0)},
    };
    return HOLD(place, rules);
}

static enum sl_status hold_cycles(const struct place *place, const struct sl_trial_result *trial)
{
    const struct sl_cycles *cycles = &trial->cycles;
    const struct sl_delivery *delivery = &trial->delivery;
    const bool well = trial->status == SL_TRIAL_OK && trial->close.ok && !delivery->lost.value &&
                      !delivery->order_violations.value;
    const struct rule rules[] = {
        {"cycles.n", SL_VALUE(cycles->n), AT_MOST, "cycles.planned", SL_VALUE(cycles->planned)},
        {"cycles.n", SL_VALUE(cycles->n), IS,
         "cycles.planned, all of which a trial plays in which nothing went wrong,",
         when(well, cycles->planned)},
    };
    struct sl_value last = SL_VALUE(0);
    enum sl_status status = HOLD(place, rules);

    for (size_t i = 0; i < cycles->n_groups && !status; i++) {
        const struct sl_cycle_group *group = &cycles->groups[i];
        status = hold_cycle_group(place, trial, i);
        last.value += group->n_counts ? group->counts[group->n_counts - 1] : 0;
    }
    const struct rule ends[] = {{"the sum of the last counts in cycles", last, IS,
                                 "leaks.count + leaks.resident",
                                 when(cycles->n && !trial->leaks_missing,
                                      (uint64_t) trial->leaks.count + trial->leaks.resident)}};
    return status ? status : HOLD(place, ends);
}

/* What stayed besides threads: no more is spelled out than was counted. */
static enum sl_status hold_left(const struct place *place, const struct sl_left_behind *left)
{
    const struct {
        const char *kind, *sum, *path;
        struct sl_value number;
    } kinds[] = {
        {"descriptor", "the sum of descriptors in leaks.left_behind", "leaks.descriptors",
         left->descriptors},
        {"process", "the sum of processes in leaks.left_behind", "leaks.processes",
         left->processes},
        {"timer", "the sum of timers in leaks.left_behind", "leaks.timers", left->timers},
        {"thread", "the sum of threads in leaks.left_behind", "leaks.threads_made_later",
         left->threads},
    };

    for (size_t i = 0; i < SL_COUNT_OF(kinds); i++) {
        struct sl_value told = SL_VALUE(0);
        for (size_t j = 0; j < left->n_items; j++)
            if (strcmp(left->items[j].kind, kinds[i].kind) == 0)
                told = sum(told, SL_VALUE(left->items[j].count));
        const struct rule rules[] = {{kinds[i].sum, told, AT_MOST, kinds[i].path, kinds[i].number}};
        enum sl_status status = HOLD(place, rules);
        if (status)
            return status;
    }
    return SL_OK;
}

static enum sl_status hold_times(const struct place *place, const struct sl_trial_result *trial)
{
    const struct sl_value all = SL_VALUE(trial->duration_ns);
    struct sl_value delay = SL_VALUE(0);

    for (size_t i = 0; i < trial->leaks.n_late_threads; i++)
        delay.value = SL_MAX(delay.value, trial->leaks.late_threads[i].delay_ns);
    const struct rule rules[] = {
        {"close.duration_ns", trial->close.duration_ns, AT_MOST, "duration_ns", all},
        {"leaks.settle_ns", SL_VALUE(trial->leaks.settle_ns), AT_MOST, "duration_ns", all},
        {"the longest delay of leaks.late_threads", delay, AT_MOST, "duration_ns", all},
        {"latency.end_to_end.min", trial->latency.end_to_end.min, AT_MOST, "duration_ns",
         trial->n_agents ? when(false, 0) : all},
        {"latency.publish.min", trial->latency.publish.min, AT_MOST, "duration_ns",
         trial->n_agents ? when(false, 0) : all},
    };
    return HOLD(place, rules);
}

static const char *const phases[] = {"start", "open", "loaded", "closing", "closed", "torn_down"};
enum phase { START, OPEN, LOADED, CLOSING, CLOSED, TORN_DOWN };

/* Has a trial come as far?  Words of other versions say nothing. */
static bool is_before(const char *phase, enum phase wanted)
{
    if (!phase)
        return true;
    for (unsigned i = 0; i < wanted; i++)
        if (strcmp(phase, phases[i]) == 0)
            return true;
    return false;
}

/* What is measured in a phase is there only when the trial came to it. */
static enum sl_status hold_phase(const struct place *place, const struct sl_trial_result *trial)
{
    const struct {
        bool there;
        const char *what;
        enum phase phase;
    } rows[] = {
        {trial->status == SL_TRIAL_OK, "the status 'ok'", TORN_DOWN},
        {!trial->leaks_missing, "leaks.count", CLOSED},
        {!trial->threads.after.missing, "threads.after", CLOSED},
        {!trial->resources.rss_after.missing, "resources.rss_after", CLOSED},
        {!trial->resources.fds_after.missing, "resources.fds_after", CLOSED},
        {trial->close.ok, "close.ok", CLOSED},
        {!trial->close.duration_ns.missing, "close.duration_ns", CLOSED},
        {trial->close.reached, "close.reached", CLOSING},
        {trial->close.timed_out, "close.timed_out", CLOSING},
        {!trial->delivery.handled.missing, "delivery.handled", LOADED},
        {!trial->latency.end_to_end.count.missing, "latency.end_to_end", LOADED},
        {!trial->threads.peak.missing, "threads.peak", LOADED},
        {!trial->threads.before.missing, "threads.before", START},
    };
    for (size_t i = 0; i < SL_COUNT_OF(rows); i++)
        if (rows[i].there && is_before(trial->phase, rows[i].phase))
            return sl_fail_parse(place->err, 0, 0, "%s: %sphase is '%s', but %s needs '%s'",
                                 place->name, place->path, trial->phase ? trial->phase : "none",
                                 rows[i].what, phases[rows[i].phase]);
    return SL_OK;
}

static enum sl_status hold_ending(const struct place *place, const struct sl_trial_result *trial)
{
    const bool ok = trial->status == SL_TRIAL_OK;
    const char *status = sl_trial_status_text(trial->status);
    const struct {
        bool wrong;
        const char *what, *value;
    } rows[] = {
        {trial->signal && trial->status != SL_TRIAL_CRASHED, "a signal makes it 'crashed'", ""},
        {trial->signal < 0 || trial->signal > 64, "signal is none that there is", ""},
        {trial->crashed_thread && !trial->signal, "no signal killed thread ",
         trial->crashed_thread},
        {ok && trial->reason, "the reason is ", trial->reason},
        {ok && trial->step, "it ended in step ", trial->step},
        {ok && !trial->close.reached, "close.reached is false", ""},
        {ok && trial->close.timed_out, "close.timed_out is true", ""},
        {trial->close.ok && !trial->close.reached, "close.ok is true and close.reached false", ""},
    };
    for (size_t i = 0; i < SL_COUNT_OF(rows); i++)
        if (rows[i].wrong)
            return sl_fail_parse(place->err, 0, 0,
                                 "%s: %sstatus is '%s' and signal %d, but %s%.60s", place->name,
                                 place->path, status, trial->signal, rows[i].what, rows[i].value);
    return SL_OK;
}

static enum sl_status hold_rates(const struct place *place, const struct sl_cell_result *cell,
                                 const struct sl_trial_result *trial)
{
    const struct {
        const char *what;
        struct sl_real rate;
    } rates[] = {{"rate.offered", trial->rate.offered},
                 {"rate.publish", trial->rate.publish},
                 {"rate.delivered", trial->rate.delivered}};
    const struct sl_value *offered = &cell->config.rate;

    for (size_t i = 0; i < SL_COUNT_OF(rates); i++)
        if (!rates[i].rate.missing && !(rates[i].rate.value > 0 && isfinite(rates[i].rate.value)))
            return sl_fail_parse(place->err, 0, 0, "%s: %s%s is %g, but rates are more than 0",
                                 place->name, place->path, rates[i].what, rates[i].rate.value);
    if (!trial->rate.offered.missing && !offered->missing &&
        trial->rate.offered.value != (double) offered->value)
        return sl_fail_parse(place->err, 0, 0,
                             "%s: %srate.offered is %.17g, but config.rate is %" PRIu64,
                             place->name, place->path, trial->rate.offered.value, offered->value);
    return SL_OK;
}

static enum sl_status hold_trial(const struct place *place, const struct sl_cell_result *cell,
                                 const struct sl_trial_result *trial)
{
    enum sl_status status = hold_ending(place, trial);

    if (!status)
        status = hold_phase(place, trial);
    if (!status)
        status = hold_delivery(place, cell, trial);
    if (!status)
        status = hold_rates(place, cell, trial);
    if (!status)
        status = hold_agents(place, trial);
    if (!status)
        status = hold_latency(place, &trial->latency.publish, "latency.publish");
    if (!status)
        status = hold_latency(place, &trial->latency.end_to_end, "latency.end_to_end");
    if (!status)
        status = hold_threads(place, trial);
    if (!status)
        status = hold_cycles(place, trial);
    if (!status)
        status = hold_left(place, &trial->left);
    return status ? status : hold_times(place, trial);
}

/* What the numbers of all trials come to, as far as no policy can change what it means. */
struct totals {
    struct sl_value trials, unwell, late_closes, lost, violations;
};

static void add_trial(struct totals *totals, const struct sl_trial_result *trial)
{
    totals->trials.value++;
    totals->unwell.value += trial->status == SL_TRIAL_FAILED || trial->status == SL_TRIAL_CRASHED;
    totals->late_closes.value += trial->close.timed_out;
    totals->lost.value += trial->delivery.lost.missing ? 0 : trial->delivery.lost.value;
    totals->violations.value +=
        trial->delivery.order_violations.missing ? 0 : trial->delivery.order_violations.value;
}

static enum sl_status
hold_run(const struct place *place, const struct sl_run_result *result, const struct totals *totals)
{
    const struct sl_control *control = &result->control;
    const bool good = result->verdict.exit == 0;
    const struct sl_value none = when(good, 0);
    const struct rule rules[] = {
        {"the number of trials", totals->trials, AT_MOST, "run.trials_planned",
         result->run.trials_planned},
        {"the number of trials", totals->trials, IS,
         "run.trials_planned, all of which a run plays that was not interrupted,",
         result->run.interrupted ? when(false, 0) : result->run.trials_planned},
        {"control.found", when(!control->ran, control->found), IS,
         "what a control finds that did not run", SL_VALUE(0)},
        {"verdict.exit without a line in verdict.failed",
         when(!result->verdict.n_failed, (uint64_t) (unsigned) result->verdict.exit), IS,
         "that of a run in which nothing failed", SL_VALUE(0)},
        {"run.interrupted", SL_VALUE(result->run.interrupted), IS, "verdict.exit", none},
        {"control.found", when(good && control->ran, control->found), IS, "control.planted",
         SL_VALUE(control->planted)},
        {"the number of trials that failed or crashed", totals->unwell, IS, "verdict.exit", none},
        {"the number of a Close that timed out", totals->late_closes, IS, "verdict.exit", none},
        {"the sum of delivery.lost", totals->lost, IS, "verdict.exit", none},
        {"the sum of delivery.order_violations", totals->violations, IS, "verdict.exit", none},
    };
    return HOLD(place, rules);
}

enum sl_status sl_report_find_contradiction(const char *name, const struct sl_run_result *result,
                                            struct sl_error *err)
{
    struct place place = {.name = name, .err = err};
    struct totals totals = {0};

    for (size_t i = 0; i < result->n_cells; i++) {
        const struct sl_cell_result *cell = &result->cells[i];
        const struct rule rules[] = {
            {"config.expects_leaks", SL_VALUE(cell->config.expects_leaks), IS,
             "the number of key.fault", SL_VALUE(cell->key.fault != NULL)},
        };
        (void) snprintf(place.path, sizeof place.path, "cells[%zu]: ", i);
        enum sl_status status = HOLD(&place, rules);
        for (size_t j = 0; j < cell->n_trials && !status; j++) {
            (void) snprintf(place.path, sizeof place.path, "cells[%zu].trials[%zu]: ", i, j);
            status = hold_trial(&place, cell, &cell->trials[j]);
            add_trial(&totals, &cell->trials[j]);
        }
        if (status)
            return status;
    }
    place.path[0] = '\0';
    return hold_run(&place, result, &totals);
}
