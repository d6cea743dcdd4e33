/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules, one function each.  A rule adds a line to one of three lists: what
 * broke the policy, what could not be measured, and why what was measured says too
 * little for a verdict.
 *
 * A trial that timed out is judged by what it shows.  A Close past its deadline,
 * or messages lost by a load that did not end, are the bus's own failure, whatever
 * else could then not be measured; a load that did not end and shows neither is
 * nobody's proven fault, and counts as not measured.
 */
#include "reports/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "reports/cells.h"
#include "reports/known.h"

struct line {
    const char *text;
    const struct sl_cell_result *cell; /* NULL: the text says all */
    size_t trial;                      /* the first that it is about, from 1 */
    size_t n_trials;                   /* how many it is about */
};

struct lines {
    struct line *lines; /* malloc */
    size_t n, capacity;
};

struct judge {
    const struct sl_run_result *result;
    const struct sl_policy *policy;
    struct sl_arena *arena;
    struct lines broken, unmeasured, doubtful;
    struct sl_known known; /* leaks of the baseline */
    bool out_of_memory;
    /* The trial being judged. */
    const struct sl_cell_result *cell;
    size_t trial_number; /* from 1 */
};

static void add_line(struct judge *judge, struct lines *lines, struct line line)
{
    if (!line.text || !sl_grow(&lines->lines, &lines->capacity, lines->n + 1)) {
        judge->out_of_memory = true;
        return;
    }
    lines->lines[lines->n++] = line;
}

static void add_text(struct judge *judge, struct lines *lines, const char *text)
{
    add_line(judge, lines, (struct line){.text = text});
}

/* A line about the trial being judged; what was said of another trial of the cell is said once. */
static void SL_PRINTF(3, 4) add(struct judge *judge, struct lines *lines, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void) vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = lines->n; i > 0 && lines->lines[i - 1].cell == judge->cell; i--) {
        if (strcmp(lines->lines[i - 1].text, text) == 0) {
            lines->lines[i - 1].n_trials++;
            return;
        }
    }
    add_line(judge, lines,
             (struct line){.text = sl_arena_strdup(judge->arena, text),
                           .cell = judge->cell,
                           .trial = judge->trial_number,
                           .n_trials = 1});
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

/* " during publish"; of an older report, " after phase open", the last one that it reached. */
static const char *say_where(struct judge *judge, const struct sl_trial_result *trial)
{
    const char *place = trial->step ? trial->step : trial->phase ? trial->phase : "(none)";
    const char *reason = or_else(trial->reason, "");
    size_t length = strlen(place);

    /* "open: nobody listens there" says it already. */
    if (strncmp(reason, place, length) == 0 && reason[length] == ':')
        return "";
    const char *text =
        sl_arena_printf(judge->arena, "%s%s", trial->step ? " during " : " after phase ", place);
    judge->out_of_memory |= !text;
    return or_else(text, "");
}

/* The part of a crash's reason that the line about it lacks: "; it printed: ..." */
static const char *say_printed(const char *reason)
{
    return or_else(strstr(reason, "; it printed: "), "");
}

static void judge_ending(struct judge *judge, const struct sl_trial_result *trial)
{
    const char *reason = or_else(trial->reason, "no reason is recorded");
    const char *where = say_where(judge, trial), *name;

    if (trial->status == SL_TRIAL_FAILED)
        add(judge, &judge->unmeasured, "failed%s: %s", where, reason);
    if (trial->status != SL_TRIAL_CRASHED)
        return;
    name = trial->signal ? sigabbrev_np(trial->signal) : NULL;
    const char *thread = trial->crashed_thread;
    if (!trial->signal)
        add(judge, &judge->unmeasured, "the subject ended early%s: %s", where, reason);
    else
        add(judge, &judge->unmeasured, "the subject was killed by %s%s%s%s%s%s%s",
            name ? "SIG" : "a signal", or_else(name, ""), where, thread ? ", on thread '" : "",
            or_else(thread, ""), thread ? "'" : "", say_printed(reason));
}

/* Leaks that the policy does not know already. */
static void judge_counts(struct judge *judge, const struct sl_leak_report *leaks)
{
    uint32_t n_threads = leaks->count;
    size_t n_groups = 0;

    for (size_t i = 0; i < leaks->n_groups; i++) {
        const struct sl_leak_group *group = &leaks->groups[i];
        bool known = group->counted && sl_known_count(&judge->known, group->fingerprint);
        n_threads -= known ? group->count : 0;
        n_groups += group->counted && !known;
    }
    if (n_threads > judge->policy->max_leaks)
        add(judge, &judge->broken,
            "%" PRIu32 " leaked thread%s in %zu group%s%s (limit %" PRIu32 ")", n_threads,
            n_threads == 1 ? "" : "s", n_groups, n_groups == 1 ? "" : "s",
            judge->policy->baseline ? " that the baseline has not" : "", judge->policy->max_leaks);
}

static void judge_leaks(struct judge *judge, const struct sl_trial_result *trial)
{
    if (!trial->leaks_missing)
        judge_counts(judge, &trial->leaks);
    else if (trial->status == SL_TRIAL_OK)
        add(judge, &judge->unmeasured, "leaked threads are not known: %s", trial->leaks_missing);
    else if (trial->status == SL_TRIAL_TIMEOUT)
        add(judge, &judge->broken, "leaked threads are not known: %s", trial->leaks_missing);
    /* of the others the ending says enough */
}

static void judge_left(struct judge *judge, const struct sl_trial_result *trial,
                       const struct sl_limit *limit, const struct sl_value *left, const char *one,
                       const char *many)
{
    if (!limit->set)
        return;
    if (left->missing && trial->status == SL_TRIAL_OK)
        add(judge, &judge->unmeasured, "%s that stayed after Close are not known: %s", many,
            left->missing);
    if (!left->missing && left->value > limit->most)
        add(judge, &judge->broken, "%" PRIu64 " %s stayed after Close (limit %" PRIu64 ")",
            left->value, left->value == 1 ? one : many, limit->most);
}

/* "No thread leaked" says something only when there were threads and Close was called. */
static void judge_proof(struct judge *judge, const struct sl_trial_result *trial)
{
    const struct sl_value *before = &trial->threads.before, *peak = &trial->threads.peak;

    if (trial->status != SL_TRIAL_OK || trial->leaks_missing || trial->leaks.count > 0)
        return;
    if (before->missing || peak->missing)
        add(judge, &judge->unmeasured, "nothing shows that threads were created: %s",
            before->missing ? before->missing : peak->missing);
    else if (peak->value <= before->value)
        add(judge, &judge->unmeasured,
            "under load there were no more threads than before, so that none is shown to end");
    if (!trial->close.reached)
        add(judge, &judge->unmeasured,
            "Close was not called, so that nothing shows what it leaves");
}

static void judge_close(struct judge *judge, const struct sl_trial_result *trial)
{
    const struct sl_close_result *close = &trial->close;

    if (close->timed_out)
        add(judge, &judge->broken, "Close did not end before its deadline%s%s",
            close->waits_for ? ": " : "", or_else(close->waits_for, ""));
    else if (close->reached && !close->ok && trial->status == SL_TRIAL_OK)
        add(judge, &judge->broken, "Close failed: %s",
            or_else(close->detail, "it did not say why"));
}

static void judge_delivery(struct judge *judge, const struct sl_trial_result *trial)
{
    const struct sl_value *lost = &trial->delivery.lost;
    const struct sl_value *violations = &trial->delivery.order_violations;
    const char *first = trial->delivery.first_violation;
    /* What a trial that ended badly could not count is explained by its ending. */
    bool complain = trial->status == SL_TRIAL_OK;

    if (lost->missing && complain)
        add(judge, &judge->unmeasured, "lost messages are not known: %s", lost->missing);
    if (!lost->missing && lost->value > 0)
        add(judge, &judge->broken, "%" PRIu64 " message%s lost", lost->value,
            lost->value == 1 ? "" : "s");
    if (violations->missing && complain)
        add(judge, &judge->unmeasured, "order violations are not known: %s", violations->missing);
    if (!violations->missing && violations->value > 0)
        add(judge, &judge->broken, "%" PRIu64 " order violation%s%s%s%s", violations->value,
            violations->value == 1 ? "" : "s", first ? " (first: " : "", or_else(first, ""),
            first ? ")" : "");
}

/*
 * "Nothing was lost" says something only of messages that were taken and handled.  A bus that
 * refused most of a load was not put under it, unless a fault was planted that makes it.
 */
static void judge_flow(struct judge *judge, const struct sl_trial_result *trial)
{
    const struct sl_delivery *delivery = &trial->delivery;
    struct sl_value tried = sl_delivery_tried(delivery);

    if (trial->status != SL_TRIAL_OK)
        return;
    if (tried.missing || delivery->handled.missing)
        add(judge, &judge->unmeasured, "nothing shows that messages were handled: %s",
            tried.missing ? tried.missing : delivery->handled.missing);
    else if (delivery->handled.value == 0)
        add(judge, &judge->unmeasured,
            "no message was handled, so that nothing was proved: of %" PRIu64
            " tried the bus accepted %" PRIu64 ", refused %" PRIu64 " and gave %" PRIu64
            " no answer",
            tried.value, delivery->published.value, delivery->rejected.value,
            delivery->unknown.value);
    else if (!judge->cell->config.expects_leaks &&
             delivery->published.value < tried.value / 2 + tried.value % 2)
        add(judge, &judge->doubtful,
            "accepted %" PRIu64 " of %" PRIu64
            " messages: a bus that takes less than half of a load is not shown to bear it",
            delivery->published.value, tried.value);
}

static void judge_trial(struct judge *judge, const struct sl_trial_result *trial)
{
    const struct sl_value *lost = &trial->delivery.lost;
    bool load_timed_out = trial->status == SL_TRIAL_TIMEOUT && !trial->close.timed_out;
    bool lost_some = !lost->missing && lost->value > 0;

    size_t n_broken = judge->broken.n;

    judge_ending(judge, trial);
    judge_close(judge, trial);
    judge_delivery(judge, trial);
    if (load_timed_out)
        add(judge, lost_some ? &judge->broken : &judge->unmeasured, "%s",
            or_else(trial->reason, "it did not end in time, no reason is recorded"));
    judge_leaks(judge, trial);
    judge_left(judge, trial, &judge->policy->descriptors, &trial->left.descriptors, "descriptor",
               "descriptors");
    judge_left(judge, trial, &judge->policy->processes, &trial->left.processes, "child process",
               "child processes");
    judge_proof(judge, trial);
    if (judge->broken.n == n_broken) /* a fault that was seen needs no more messages to be one */
        judge_flow(judge, trial);
}

static void judge_cells(struct judge *judge)
{
    const struct sl_run_result *result = judge->result;
    size_t n_trials = 0;

    for (size_t i = 0; i < result->n_cells; i++) {
        const struct sl_cell_result *cell = &result->cells[i];
        judge->cell = cell;
        if (!cell->n_trials)
            add_text(judge, &judge->unmeasured,
                     sl_arena_printf(judge->arena, "%s: no trial ran",
                                     or_else(sl_cell_name(judge->arena, cell), "a cell")));
        for (size_t j = 0; j < cell->n_trials; j++) {
            judge->trial_number = j + 1;
            judge_trial(judge, &cell->trials[j]);
        }
        n_trials += cell->n_trials;
    }
    if (!n_trials)
        add_text(judge, &judge->unmeasured, "no trial ran");
}

static const char *interrupted_text(struct judge *judge)
{
    const struct sl_run_result *result = judge->result;
    struct sl_value planned = result->run.trials_planned;
    size_t n = 0;

    for (size_t i = 0; i < result->n_cells; i++)
        n += result->cells[i].n_trials;
    if (planned.missing)
        return "the run was interrupted";
    return sl_arena_printf(judge->arena, "the run was interrupted after %zu of %" PRIu64 " trials",
                           n, planned.value);
}

static void judge_run(struct judge *judge)
{
    const struct sl_control *control = &judge->result->control;
    const char *text = NULL;

    if (judge->result->run.interrupted)
        add_text(judge, &judge->unmeasured, interrupted_text(judge));
    if (!control->ran)
        text = sl_arena_printf(judge->arena, "the control could not be measured: %s",
                               or_else(control->reason, "no reason is recorded"));
    else if (control->found != control->planted || control->planted == 0)
        text = sl_arena_printf(judge->arena,
                               "the control planted %" PRIu32 " leaked threads and found %" PRIu32
                               "%s%s, so that no count of this run can be trusted",
                               control->planted, control->found, control->reason ? ": " : "",
                               or_else(control->reason, ""));
    else
        return;
    add_text(judge, &judge->unmeasured, text);
}

/* "low/keyed/nats trial 2: ...", or "low/keyed/nats: ..., in 3 of 5 trials".  NULL when memory is
   short. */
static const char *text_of(struct sl_arena *arena, const struct line *line)
{
    const char *name = line->cell ? sl_cell_name(arena, line->cell) : NULL;

    if (!line->cell)
        return line->text;
    if (!name)
        return NULL;
    if (line->n_trials == 1)
        return sl_arena_printf(arena, "%s trial %zu: %s", name, line->trial, line->text);
    return sl_arena_printf(arena, "%s: %s, in %zu of %zu trials", name, line->text, line->n_trials,
                           line->cell->n_trials);
}

/* The lines into the arena, in the order in which they decide. */
static enum sl_status
conclude(struct judge *judge, struct sl_verdict *ret_verdict, struct sl_error *err)
{
    const struct lines *all[] = {&judge->unmeasured, &judge->broken, &judge->doubtful};
    size_t n = 0, n_lines = judge->unmeasured.n + judge->broken.n + judge->doubtful.n;
    const char **failed = sl_arena_array(judge->arena, n_lines, sizeof *failed);

    bool complete = failed && !judge->out_of_memory;
    for (size_t i = 0; i < SL_COUNT_OF(all); i++)
        for (size_t j = 0; complete && j < all[i]->n; j++)
            complete = (failed[n++] = text_of(judge->arena, &all[i]->lines[j])) != NULL;
    if (!complete)
        return sl_fail(err, SL_ENOMEM, "no memory to judge the run");
    *ret_verdict = (struct sl_verdict){
        .exit = judge->unmeasured.n ? 3
                : judge->broken.n   ? 1
                : judge->doubtful.n ? 4
                                    : 0,
        .failed = failed,
        .n_failed = n,
    };
    return SL_OK;
}

enum sl_status sl_verdict_evaluate(const struct sl_run_result *result,
                                   const struct sl_policy *policy, struct sl_arena *arena,
                                   struct sl_verdict *ret_verdict, struct sl_error *err)
{
    struct judge judge = {.result = result, .policy = policy, .arena = arena};

    if (policy->baseline && !sl_known_init(arena, policy->baseline, &judge.known))
        return sl_fail(err, SL_ENOMEM, "no memory to judge the run");
    judge_run(&judge);
    judge_cells(&judge);
    enum sl_status s = conclude(&judge, ret_verdict, err);
    free(judge.broken.lines);
    free(judge.unmeasured.lines);
    free(judge.doubtful.lines);
    return s;
}
