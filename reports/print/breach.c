/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/breach.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "reports/cells.h"
#include "reports/print/cycles.h"

static const char *or_else(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

/* " during publish"; of an older report, " after phase open", the last one that it reached. */
static const char *say_where(struct sl_arena *arena, const struct sl_trial_result *trial)
{
    const char *place = trial->step ? trial->step : trial->phase ? trial->phase : "(none)";
    const char *reason = or_else(trial->reason, "");
    size_t length = strlen(place);

    /* "open: nobody listens there" says it already. */
    if (strncmp(reason, place, length) == 0 && reason[length] == ':')
        return "";
    return or_else(
        sl_arena_printf(arena, "%s%s", trial->step ? " during " : " after phase ", place), "");
}

static const char *say_ending(struct sl_arena *arena, const struct sl_trial_result *trial)
{
    const char *reason = or_else(trial->reason, "no reason is recorded");
    const char *where = say_where(arena, trial), *thread = trial->crashed_thread;

    if (trial->status == SL_TRIAL_FAILED || !trial->signal)
        return sl_arena_printf(
            arena, "%s%s: %s",
            trial->status == SL_TRIAL_FAILED ? "failed" : "the subject ended early", where, reason);
    const char *name = sigabbrev_np(trial->signal), *printed = strstr(reason, "; it printed: ");
    return sl_arena_printf(arena, "the subject was killed by %s%s%s%s%s%s%s",
                           name ? "SIG" : "a signal", or_else(name, ""), where,
                           thread ? ", on thread '" : "", or_else(thread, ""), thread ? "'" : "",
                           or_else(printed, ""));
}

static const char *say_close(struct sl_arena *arena, const struct sl_breach *breach)
{
    const struct sl_close_result *close = &breach->trial->close;

    if (breach->kind == SL_BREACH_UNMEASURED)
        return "Close was not called, so that nothing shows what it leaves";
    if (close->timed_out)
        return sl_arena_printf(arena, "Close did not end before its deadline%s%s",
                               close->waits_for ? ": " : "", or_else(close->waits_for, ""));
    return sl_arena_printf(arena, "Close failed: %s", or_else(close->detail, "it did not say why"));
}

/* Of a run or a cell. */
static const char *
say_run(struct sl_arena *arena, const struct sl_run_result *result, const struct sl_breach *breach)
{
    const char *reason = result->control.reason;

    if (breach->rule == SL_RULE_TRIALS)
        return "no trial ran";
    if (breach->rule == SL_RULE_CONTROL)
        return sl_arena_printf(arena,
                               "the control planted %" PRIu64 " leaked threads and found %" PRIu64
                               "%s%s, so that no count of this run can be trusted",
                               breach->limit, breach->value.value, reason ? ": " : "",
                               or_else(reason, ""));
    if (result->run.trials_planned.missing)
        return "the run was interrupted";
    return sl_arena_printf(arena, "the run was interrupted after %" PRIu64 " of %" PRIu64 " trials",
                           breach->value.value, result->run.trials_planned.value);
}

static const char *say_cycles(struct sl_arena *arena, const struct sl_breach *breach)
{
    const struct sl_cycle_group *group = breach->steepest;
    const char *course = sl_cycles_say(arena, group);
    uint64_t n_more = breach->value.value - 1;
    const char *more = "";

    if (n_more)
        more = sl_arena_printf(arena, "; %" PRIu64 " more group%s grow%s", n_more,
                               n_more == 1 ? "" : "s", n_more == 1 ? "s" : "");
    return sl_arena_printf(arena, "%s: %s%s", or_else(group->function, group->fingerprint),
                           or_else(course, "grows"), or_else(more, ""));
}

static const char *
say_trial(struct sl_arena *arena, const struct sl_policy *policy, const struct sl_breach *breach)
{
    const struct sl_trial_result *trial = breach->trial;
    const struct sl_delivery *delivery = &trial->delivery;
    const char *first = delivery->first_violation;
    uint64_t n = breach->value.value;
    const char *s = n == 1 ? "" : "s";

    switch (breach->rule) {
    case SL_RULE_ENDING:
        return say_ending(arena, trial);
    case SL_RULE_CLOSE:
        return say_close(arena, breach);
    case SL_RULE_LOST:
        return sl_arena_printf(arena, "%" PRIu64 " message%s lost", n, s);
    case SL_RULE_ORDER:
        return sl_arena_printf(arena, "%" PRIu64 " order violation%s%s%s%s", n, s,
                               first ? " (first: " : "", or_else(first, ""), first ? ")" : "");
    case SL_RULE_LOAD:
        return or_else(trial->reason, "it did not end in time, no reason is recorded");
    case SL_RULE_LEAKS:
        return sl_arena_printf(
            arena, "%" PRIu64 " leaked thread%s in %zu group%s%s (limit %" PRIu64 ")", n, s,
            breach->n_groups, breach->n_groups == 1 ? "" : "s",
            policy->baseline || policy->ratchet ? " that the baseline has not" : "", breach->limit);
    case SL_RULE_CYCLES:
        return say_cycles(arena, breach);
    case SL_RULE_DESCRIPTORS:
    case SL_RULE_PROCESSES:
        return sl_arena_printf(arena, "%" PRIu64 " %s%s stayed after Close (limit %" PRIu64 ")", n,
                               breach->rule == SL_RULE_DESCRIPTORS ? "descriptor" : "child process",
                               n == 1                              ? ""
                               : breach->rule == SL_RULE_PROCESSES ? "es"
                                                                   : "s",
                               breach->limit);
    case SL_RULE_THREADS:
        return "under load there were no more threads than before, so that none is shown to end";
    case SL_RULE_HANDLED:
        return sl_arena_printf(arena,
                               "no message was handled, so that nothing was proved: of %" PRIu64
                               " tried the bus accepted %" PRIu64 ", refused %" PRIu64
                               " and gave %" PRIu64 " no answer",
                               breach->limit, delivery->published.value, delivery->rejected.value,
                               delivery->unknown.value);
    default: /* SL_RULE_ACCEPTED */
        return sl_arena_printf(arena,
                               "accepted %" PRIu64 " of %" PRIu64 " messages: a bus that takes "
                               "less than half of a load is not shown to bear it",
                               n, breach->limit);
    }
}

/* The words are those before the reason of a value that is missing. */
static const char *
say(struct sl_arena *arena, const struct sl_judgement *judgement, const struct sl_breach *breach)
{
    static const char *const unknown[SL_N_RULES] = {
        [SL_RULE_CONTROL] = "the control could not be measured",
        [SL_RULE_LOST] = "lost messages are not known",
        [SL_RULE_ORDER] = "order violations are not known",
        [SL_RULE_LEAKS] = "leaked threads are not known",
        [SL_RULE_DESCRIPTORS] = "descriptors that stayed after Close are not known",
        [SL_RULE_PROCESSES] = "child processes that stayed after Close are not known",
        [SL_RULE_THREADS] = "nothing shows that threads were created",
        [SL_RULE_HANDLED] = "nothing shows that messages were handled",
    };

    if (unknown[breach->rule] && breach->value.missing)
        return sl_arena_printf(arena, "%s: %s", unknown[breach->rule], breach->value.missing);
    if (!breach->trial)
        return say_run(arena, judgement->result, breach);
    const struct sl_cycles *cycles = &breach->trial->cycles;
    const char *text = say_trial(arena, judgement->policy, breach);
    return text && cycles->n < cycles->planned
               ? sl_arena_printf(arena, "%s, after %" PRIu32 " of %" PRIu32 " cycles", text,
                                 cycles->n, cycles->planned)
               : text;
}

/* What is said of one trial, or of several of a cell. */
struct line {
    const struct sl_breach *first;
    const char *text;
    size_t n_trials;
};

/* "low/keyed/nats trial 2: ...", or "low/keyed/nats: ..., in 3 of 5 trials". */
static const char *line_text(struct sl_arena *arena, const struct line *line)
{
    const struct sl_cell_result *cell = line->first->cell;
    const char *name = cell ? sl_cell_name(arena, cell) : NULL;

    if (!cell)
        return line->text;
    if (!name)
        return NULL;
    if (!line->first->trial)
        return sl_arena_printf(arena, "%s: %s", name, line->text);
    if (line->n_trials == 1)
        return sl_arena_printf(arena, "%s trial %zu: %s", name,
                               (size_t) (line->first->trial - cell->trials) + 1, line->text);
    return sl_arena_printf(arena, "%s: %s, in %zu of %zu trials", name, line->text, line->n_trials,
                           cell->n_trials);
}

/* Those that say the same next to each other, the first one first.  Breaches are in one array. */
static int compare_said(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    const struct sl_breach *x = a->first, *y = b->first;
    int order = (x->kind > y->kind) - (x->kind < y->kind);

    if (!order)
        order = (x->cell > y->cell) - (x->cell < y->cell);
    if (!order)
        order = strcmp(a->text, b->text);
    return order ? order : (x > y) - (x < y);
}

static int compare_places(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

static bool says_the_same(const struct line *a, const struct line *b)
{
    return a->first->trial && b->first->trial && a->first->kind == b->first->kind &&
           a->first->cell == b->first->cell && strcmp(a->text, b->text) == 0;
}

/* What is said of several trials of a cell is one line, at its first.  @return how many are left */
static size_t fold(struct line *lines, size_t n)
{
    size_t n_left = 0;

    qsort(lines, n, sizeof *lines, compare_said);
    for (size_t i = 0; i < n; i++) {
        if (n_left && says_the_same(&lines[n_left - 1], &lines[i]))
            lines[n_left - 1].n_trials++;
        else
            lines[n_left++] = lines[i];
    }
    qsort(lines, n_left, sizeof *lines, compare_places);
    return n_left;
}

enum sl_status sl_breaches_say(const struct sl_judgement *judgement, struct sl_arena *arena,
                               struct sl_verdict *ret_verdict, struct sl_error *err)
{
    struct line *lines = sl_arena_array(arena, judgement->n_breaches, sizeof *lines);
    const char **texts = sl_arena_array(arena, judgement->n_breaches, sizeof *texts);
    bool complete = lines && texts;
    size_t n_lines = 0;

    for (size_t i = 0; complete && i < judgement->n_breaches; i++) {
        const struct sl_breach *breach = &judgement->breaches[i];
        const char *text = say(arena, judgement, breach);
        complete = text != NULL;
        if (complete)
            lines[n_lines++] = (struct line){.first = breach, .text = text, .n_trials = 1};
    }
    if (complete)
        n_lines = fold(lines, n_lines);
    for (size_t i = 0; complete && i < n_lines; i++)
        complete = (texts[i] = line_text(arena, &lines[i])) != NULL;
    if (!complete)
        return sl_fail(err, SL_ENOMEM, "out of memory for the words of a verdict");
    *ret_verdict =
        (struct sl_verdict){.exit = judgement->exit, .failed = texts, .n_failed = n_lines};
    return SL_OK;
}
