/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the table under the numbers of a scenario: what they do not say by themselves. */
#include "reports/print/table_flow.h"

#include <inttypes.h>
#include <string.h>

#include "reports/print/wrap.h"

/* Parts of the machine from which on it was busy. */
#define BUSY_LOAD   0.5
#define BUSY_OTHERS 0.1
#define BUSY_STOLEN 0.02

#define MAX_LEFT_SHOWN 3 /* of a kind; the report has more */

/* What can stay besides threads. */
static const struct {
    const char *kind, *one, *many;
    size_t offset; /* of the number in struct sl_left_behind */
} kinds[] = {
    {"descriptor", "descriptor", "descriptors", offsetof(struct sl_left_behind, descriptors)},
    {"process", "child process", "child processes", offsetof(struct sl_left_behind, processes)},
    {"timer", "timer, which may make threads later,", "timers, which may make threads later,",
     offsetof(struct sl_left_behind, timers)},
    {"thread", "thread that was made after Close", "threads that were made after Close",
     offsetof(struct sl_left_behind, threads)},
};

/* Those that were refused, and those that the broker may have or not: none of them is lost. */
void sl_table_print_flow(const struct sl_page *page, const struct sl_cell_result *cell)
{
    const char *name = sl_say_cell(page, cell);
    uint64_t n_tried = 0, n_accepted = 0, n_refused = 0, n_unknown = 0;

    for (size_t i = 0; i < cell->n_trials; i++) {
        const struct sl_delivery *delivery = &cell->trials[i].delivery;
        struct sl_value tried = sl_delivery_tried(delivery);
        if (tried.missing)
            continue;
        n_tried += tried.value;
        n_accepted += delivery->published.value;
        n_refused += delivery->rejected.value;
        n_unknown += delivery->unknown.value;
    }
    if (n_refused > 0)
        sl_wrap_printf(page, SL_STYLE_WARN, 2,
                       "  %s: accepted %" PRIu64 " of %" PRIu64 " messages, %" PRIu64
                       " were refused; lost counts none of these",
                       name, n_accepted, n_tried, n_refused);
    if (n_unknown > 0)
        sl_wrap_printf(page, SL_STYLE_WARN, 2,
                       "  %s: %" PRIu64 " of %" PRIu64
                       " publishes had no answer and were not handled; lost counts none of them",
                       name, n_unknown, n_tried);
}

static struct sl_value number_of(const struct sl_trial_result *trial, size_t kind)
{
    return *(const struct sl_value *) ((const char *) &trial->left + kinds[kind].offset);
}

/* ": 500 x /dev/null, TCP 127.0.0.1:4222" */
static const char *
say_items(const struct sl_page *page, const struct sl_left_behind *left, size_t kind)
{
    const char *said = "";
    size_t n = 0;

    for (size_t i = 0; i < left->n_items && n < MAX_LEFT_SHOWN; i++) {
        const struct sl_leftover *item = &left->items[i];
        const char *what = sl_say_text(page, item->what, "?");
        if (strcmp(item->kind, kinds[kind].kind) != 0)
            continue;
        const char *between = n++ ? ", " : ": ";
        const char *times = item->count == 1 ? "" : sl_say(page, "%" PRIu64 " x ", item->count);
        said = sl_say(page, "%s%s%s%s", said, between, times, what);
    }
    return said;
}

/* One line for all trials of a cell, with the trial that left most. */
static void print_left(const struct sl_page *page, const struct sl_cell_result *cell, size_t kind)
{
    const struct sl_trial_result *most = NULL;
    size_t n_trials = 0;

    for (size_t i = 0; i < cell->n_trials; i++) {
        struct sl_value number = number_of(&cell->trials[i], kind);
        if (number.missing || !number.value)
            continue;
        n_trials++;
        if (!most || number.value > number_of(most, kind).value)
            most = &cell->trials[i];
    }
    if (!most)
        return;
    uint64_t n = number_of(most, kind).value;
    const char *in = "";
    if (cell->n_trials > 1)
        in = sl_say(page, " in %zu of %zu trials", n_trials, cell->n_trials);
    bool threads = strcmp(kinds[kind].kind, "thread") == 0;
    sl_wrap_printf(page, SL_STYLE_NONE, 2, "%s: %s: %" PRIu64 " %s %s%s%s",
                   threads ? "besides these threads" : "besides threads", sl_say_cell(page, cell),
                   n, n == 1 ? kinds[kind].one : kinds[kind].many,
                   threads               ? "outlived destroy and teardown"
                   : most->close.reached ? "stayed after Close"
                                         : "outlived the subject",
                   in, say_items(page, &most->left, kind));
}

/* Where only living threads could be looked for, that is said; once for a reason. */
static void print_unjoined_missing(const struct sl_page *page, const struct sl_run_result *result)
{
    const char *said = NULL;

    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++) {
            const struct sl_trial_result *trial = &result->cells[i].trials[j];
            const char *reason = trial->leaks.unjoined_missing;
            if (trial->leaks_missing || !reason || (said && strcmp(said, reason) == 0))
                continue;
            said = reason;
            sl_wrap_printf(page, SL_STYLE_NONE, 2,
                           "not counted: threads that ended and were never joined: not known, %s",
                           sl_say_text(page, reason, "?"));
        }
}

void sl_table_print_leftovers(const struct sl_page *page, const struct sl_run_result *result)
{
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t kind = 0; kind < SL_COUNT_OF(kinds); kind++)
            print_left(page, &result->cells[i], kind);
    print_unjoined_missing(page, result);
}

/* A part of the sentence, when the number is so large that it matters. */
static void say_busy(const struct sl_page *page, const char **said, struct sl_real number,
                     double limit, const char *before, const char *after)
{
    if (number.missing || number.value < limit)
        return;
    *said = sl_say(page, "%s%s%s%.2g%s", *said, **said ? ", " : "", before, number.value, after);
}

void sl_table_print_busy(const struct sl_page *page, const struct sl_environment *environment)
{
    const double cores = (double) environment->cores;
    const char *said = "";

    if (!environment->cores)
        return;
    say_busy(page, &said, environment->load_before, BUSY_LOAD * cores, "load average ",
             " before the run");
    say_busy(page, &said, environment->cpus_of_others, BUSY_OTHERS * cores, "",
             " CPUs used by others during it");
    say_busy(page, &said, environment->cpus_stolen, BUSY_STOLEN * cores, "",
             " CPUs stolen by the hypervisor");
    if (*said)
        sl_wrap_printf(page, SL_STYLE_WARN, 2, "busy machine, times and rates may be off: %s",
                       said);
}
