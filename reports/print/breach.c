/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/breach.h"

#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "reports/cells.h"

struct speaker {
    const struct sl_judgement *judgement;
    struct sl_arena *arena;
};

/* Each says a breach of one rule, without the trial; NULL when memory is short. */
typedef const char *sentence(const struct speaker *speaker, const struct sl_breach *breach);

static const char *or_else(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

static const char *say_interrupted(const struct speaker *speaker, const struct sl_breach *breach)
{
    struct sl_value planned = speaker->judgement->result->run.trials_planned;

    if (planned.missing)
        return "the run was interrupted";
    return sl_arena_printf(speaker->arena,
                           "the run was interrupted after %" PRIu64 " of %" PRIu64 " trials",
                           breach->value.value, planned.value);
}

static const char *say_control(const struct speaker *speaker, const struct sl_breach *breach)
{
    const char *reason = speaker->judgement->result->control.reason;

    return sl_arena_printf(speaker->arena,
                           "the control planted %" PRIu64 " leaked threads and found %" PRIu64
                           "%s%s, so that no count of this run can be trusted",
                           breach->limit, breach->value.value, reason ? ": " : "",
                           or_else(reason, ""));
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
    return sl_arena_printf(arena, "%s%s", trial->step ? " during " : " after phase ", place);
}

static const char *say_ending(const struct speaker *speaker, const struct sl_breach *breach)
{
    const struct sl_trial_result *trial = breach->trial;
    const char *reason = or_else(trial->reason, "no reason is recorded");
    const char *where = say_where(speaker->arena, trial), *thread = trial->crashed_thread;

    if (!where)
        return NULL;
    if (trial->status == SL_TRIAL_FAILED)
        return sl_arena_printf(speaker->arena, "failed%s: %s", where, reason);
    if (!trial->signal)
        return sl_arena_printf(speaker->arena, "the subject ended early%s: %s", where, reason);
    const char *name = sigabbrev_np(trial->signal), *printed = strstr(reason, "; it printed: ");
    return sl_arena_printf(speaker->arena, "the subject was killed by %s%s%s%s%s%s%s",
                           name ? "SIG" : "a signal", or_else(name, ""), where,
                           thread ? ", on thread '" : "", or_else(thread, ""), thread ? "'" : "",
                           or_else(printed, ""));
}

static const char *say_close(const struct speaker *speaker, const struct sl_breach *breach)
{
    const struct sl_close_result *close = &breach->trial->close;

    if (breach->kind == SL_BREACH_UNMEASURED)
        return "Close was not called, so that nothing shows what it leaves";
    if (close->timed_out)
        return sl_arena_printf(speaker->arena, "Close did not end before its deadline%s%s",
                               close->waits_for ? ": " : "", or_else(close->waits_for, ""));
    return sl_arena_printf(speaker->arena, "Close failed: %s",
                           or_else(close->detail, "it did not say why"));
}

static const char *say_lost(const struct speaker *speaker, const struct sl_breach *breach)
{
    return sl_arena_printf(speaker->arena, "%" PRIu64 " message%s lost", breach->value.value,
                           breach->value.value == 1 ? "" : "s");
}

static const char *say_order(const struct speaker *speaker, const struct sl_breach *breach)
{
    const char *first = breach->trial->delivery.first_violation;

    return sl_arena_printf(speaker->arena, "%" PRIu64 " order violation%s%s%s%s",
                           breach->value.value, breach->value.value == 1 ? "" : "s",
                           first ? " (first: " : "", or_else(first, ""), first ? ")" : "");
}

static const char *say_load(const struct speaker *speaker, const struct sl_breach *breach)
{
    (void) speaker;
    return or_else(breach->trial->reason, "it did not end in time, no reason is recorded");
}

static const char *say_leaks(const struct speaker *speaker, const struct sl_breach *breach)
{
    return sl_arena_printf(
        speaker->arena, "%" PRIu64 " leaked thread%s in %zu group%s%s (limit %" PRIu64 ")",
        breach->value.value, breach->value.value == 1 ? "" : "s", breach->n_groups,
        breach->n_groups == 1 ? "" : "s",
        speaker->judgement->policy->baseline ? " that the baseline has not" : "", breach->limit);
}

static const char *say_left(const struct speaker *speaker, const struct sl_breach *breach)
{
    bool processes = breach->rule == SL_RULE_PROCESSES, one = breach->value.value == 1;

    return sl_arena_printf(speaker->arena, "%" PRIu64 " %s stayed after Close (limit %" PRIu64 ")",
                           breach->value.value,
                           processes ? (one ? "child process" : "child processes")
                                     : (one ? "descriptor" : "descriptors"),
                           breach->limit);
}

static const char *say_handled(const struct speaker *speaker, const struct sl_breach *breach)
{
    const struct sl_delivery *delivery = &breach->trial->delivery;

    return sl_arena_printf(speaker->arena,
                           "no message was handled, so that nothing was proved: of %" PRIu64
                           " tried the bus accepted %" PRIu64 ", refused %" PRIu64
                           " and gave %" PRIu64 " no answer",
                           sl_delivery_tried(delivery).value, delivery->published.value,
                           delivery->rejected.value, delivery->unknown.value);
}

static const char *say_accepted(const struct speaker *speaker, const struct sl_breach *breach)
{
    return sl_arena_printf(speaker->arena,
                           "accepted %" PRIu64 " of %" PRIu64 " messages: a bus that takes less "
                           "than half of a load is not shown to bear it",
                           breach->value.value, breach->limit);
}

static const struct {
    const char *unknown; /* what is said before the reason of a value that is missing */
    sentence *say;
    const char *text; /* where there is nothing to fill in */
} rules[] = {
    [SL_RULE_INTERRUPTED] = {NULL, say_interrupted},
    [SL_RULE_CONTROL] = {"the control could not be measured", say_control},
    [SL_RULE_TRIALS] = {.text = "no trial ran"},
    [SL_RULE_ENDING] = {NULL, say_ending},
    [SL_RULE_CLOSE] = {NULL, say_close},
    [SL_RULE_LOST] = {"lost messages are not known", say_lost},
    [SL_RULE_ORDER] = {"order violations are not known", say_order},
    [SL_RULE_LOAD] = {NULL, say_load},
    [SL_RULE_LEAKS] = {"leaked threads are not known", say_leaks},
    [SL_RULE_DESCRIPTORS] = {"descriptors that stayed after Close are not known", say_left},
    [SL_RULE_PROCESSES] = {"child processes that stayed after Close are not known", say_left},
    [SL_RULE_THREADS] =
        {"nothing shows that threads were created", NULL,
         "under load there were no more threads than before, so that none is shown to end"},
    [SL_RULE_HANDLED] = {"nothing shows that messages were handled", say_handled},
    [SL_RULE_ACCEPTED] = {NULL, say_accepted},
};

static const char *say(const struct speaker *speaker, const struct sl_breach *breach)
{
    const char *unknown = rules[breach->rule].unknown, *text = rules[breach->rule].text;

    if (unknown && breach->value.missing)
        return sl_arena_printf(speaker->arena, "%s: %s", unknown, breach->value.missing);
    return text ? text : rules[breach->rule].say(speaker, breach);
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

/* Is it said already, of another trial of the cell?  Then of one more. */
static bool
said(struct line *lines, size_t n_lines, const struct sl_breach *breach, const char *text)
{
    for (size_t i = n_lines; i > 0 && breach->trial; i--) {
        struct line *line = &lines[i - 1];
        if (line->first->cell != breach->cell || line->first->kind != breach->kind)
            break;
        if (strcmp(line->text, text) == 0) {
            line->n_trials++;
            return true;
        }
    }
    return false;
}

enum sl_status sl_breaches_say(const struct sl_judgement *judgement, struct sl_arena *arena,
                               struct sl_verdict *ret_verdict, struct sl_error *err)
{
    struct speaker speaker = {.judgement = judgement, .arena = arena};
    struct line *lines = sl_arena_array(arena, judgement->n_breaches, sizeof *lines);
    const char **texts = sl_arena_array(arena, judgement->n_breaches, sizeof *texts);
    bool complete = lines && texts;
    size_t n_lines = 0;

    for (size_t i = 0; complete && i < judgement->n_breaches; i++) {
        const struct sl_breach *breach = &judgement->breaches[i];
        const char *text = say(&speaker, breach);
        complete = text != NULL;
        if (complete && !said(lines, n_lines, breach, text))
            lines[n_lines++] = (struct line){.first = breach, .text = text, .n_trials = 1};
    }
    for (size_t i = 0; complete && i < n_lines; i++)
        complete = (texts[i] = line_text(arena, &lines[i])) != NULL;
    if (!complete)
        return sl_fail(err, SL_ENOMEM, "out of memory for the words of a verdict");
    *ret_verdict =
        (struct sl_verdict){.exit = judgement->exit, .failed = texts, .n_failed = n_lines};
    return SL_OK;
}
