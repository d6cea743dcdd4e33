/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the table below the numbers: who stayed, and why. */
#include "reports/print/table_leaks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/search.h"
#include "reports/cells.h"
#include "reports/format.h"
#include "reports/print/cycles.h"
#include "reports/print/frames.h"
#include "reports/print/proof.h"
#include "reports/print/table_flow.h"
#include "reports/print/table_verdict.h"
#include "reports/print/tree.h"
#include "reports/print/wrap.h"

#define MAX_FRAMES      24 /* printed per stack; the report has all */
#define MAX_HANG_GROUPS 6

static void print_stack(const struct sl_page *page, const struct sl_group *group)
{
    sl_frames_print(group->frames, group->n_frames, MAX_FRAMES, 6, page->out);
    if (!group->complete)
        sl_wrap_printf(page, SL_STYLE_WARN, 2, "      stack %s%s",
                       group->grade == SL_GRADE_FRAME_POINTERS ? "" : "not complete: ",
                       sl_say_text(page, group->reason, "no reason is recorded"));
}

/* Fingerprints of all groups, and which of them were printed: the same worker leaks in many cells.
 */
struct printed {
    const char **fingerprints; /* in order; in the arena, and so are the others */
    bool *done;                /* of the first of those that are equal */
    size_t n;
};

static int compare_texts(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

static bool
printed_init(struct printed *printed, const struct sl_run_result *result, struct sl_arena *arena)
{
    size_t n = sl_cells_count_groups(result);

    printed->fingerprints = sl_arena_array(arena, n, sizeof *printed->fingerprints);
    printed->done = sl_arena_array(arena, n, sizeof *printed->done);
    if (!printed->fingerprints || !printed->done)
        return false;
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++) {
            const struct sl_leak_report *leaks = &result->cells[i].trials[j].leaks;
            for (size_t k = 0; k < leaks->n_findings; k++)
                printed->fingerprints[printed->n++] = leaks->findings[k].group.fingerprint;
        }
    qsort(printed->fingerprints, n, sizeof *printed->fingerprints, compare_texts);
    return true;
}

static bool was_printed(struct printed *printed, const struct sl_group *group)
{
    size_t at =
        SL_PARTITION_POINT(printed->n, i, strcmp(printed->fingerprints[i], group->fingerprint) < 0);
    bool was = printed->done[at];

    printed->done[at] = true;
    return was;
}

/* "    12.5 MiB of stacks, 1 descriptor, 3.2 % of a CPU", of what was measured and is not nothing.
 */
static void print_cost(const struct sl_page *page, const struct sl_leak_cost *cost)
{
    char bytes[SL_FORMAT_MAX];
    const struct sl_value *stacks = &cost->stack_bytes, *cpu = &cost->cpu_ns_per_second;
    uint64_t n_descriptors = cost->descriptors.missing ? 0 : cost->descriptors.value;
    double percent = cpu->missing ? 0 : (double) cpu->value * 100 / (double) SL_NS_PER_S;

    if (stacks->missing || !stacks->value)
        return;
    sl_format_bytes(stacks->value, bytes);
    sl_style_print(page, SL_STYLE_DIM, "    holds %s of stack%s%s\n", bytes,
                   n_descriptors == 1  ? ", 1 descriptor"
                   : n_descriptors > 1 ? sl_say(page, ", %" PRIu64 " descriptors", n_descriptors)
                                       : "",
                   percent >= 0.05 ? sl_say(page, ", uses %.1f %% of a CPU", percent) : "");
}

static void print_finding(const struct sl_page *page, const struct sl_finding *finding,
                          const char *trials, bool with_stack)
{
    const struct sl_group *group = &finding->group;
    const char *proof = sl_proof_say(page, group);

    (void) fprintf(page->out, "\n  %" PRIu32 " x %s: ", group->count, sl_say_function(page, group));
    sl_style_print(page, SL_STYLE_WARN, "%s", sl_cause_text(finding->cause));
    (void) fprintf(page->out, "%s\n", trials);
    if (finding->evidence)
        sl_wrap_printf(page, SL_STYLE_NONE, 2, "    %s", sl_say_text(page, finding->evidence, ""));
    print_cost(page, &finding->cost);
    if (proof)
        sl_wrap_printf(page, SL_STYLE_NONE, 2, "    proof: %s", proof);
    if (with_stack)
        print_stack(page, group);
    sl_style_print(page, SL_STYLE_DIM, "    fingerprint %s%s\n",
                   sl_say_text(page, group->fingerprint, ""), with_stack ? "" : ", stack as above");
}

static void
print_cell(const struct sl_page *page, const struct sl_cell_result *cell, struct printed *printed)
{
    struct sl_cell_group *groups;
    size_t n_groups, n_counted = 0;

    if (!sl_cell_groups(page->arena, cell, &groups, &n_groups))
        return;
    while (n_counted < n_groups && groups[n_counted].finding->counted)
        n_counted++;
    if (!n_counted)
        return;
    (void) fputc('\n', page->out);
    sl_wrap_printf(page, SL_STYLE_NONE, 2, "leaked threads of %s", sl_say_cell(page, cell));
    for (size_t i = 0; i < n_counted; i++) {
        const char *trials = "";
        if (cell->n_trials > 1)
            trials =
                sl_say(page, ", in %" PRIu32 " of %zu trials", groups[i].n_trials, cell->n_trials);
        print_finding(page, groups[i].finding, trials,
                      !was_printed(printed, &groups[i].finding->group));
    }
}

/* When the stacks of a subject that ended badly were taken: before its end, unless it waited. */
static const char *say_seen(const char *seen)
{
    static const struct {
        const char *seen, *text;
    } texts[] = {
        {"crash", "when it crashed; the thread that did is first"},
        {"hang", "when it was ended"},
        {"loaded", "as last seen, at the peak of the load and before Close was called"},
        {"closed", "as last seen, after Close had returned"},
    };
    for (size_t i = 0; seen && i < SL_COUNT_OF(texts); i++)
        if (strcmp(texts[i].seen, seen) == 0)
            return texts[i].text;
    return "as last seen"; /* an older report does not say when */
}

static void print_hang(const struct sl_page *page, const struct sl_cell_result *cell, size_t number)
{
    const struct sl_trial_result *trial = &cell->trials[number];
    size_t n = SL_MIN(trial->n_hang_findings, MAX_HANG_GROUPS);

    if (!n)
        return;
    (void) fprintf(page->out, "\nthreads of %s trial %zu %s\n", sl_say_cell(page, cell), number + 1,
                   say_seen(trial->hang_seen));
    if (trial->close.waits_for)
        sl_wrap_printf(page, SL_STYLE_NONE, 2, "  Close: %s",
                       sl_say_text(page, trial->close.waits_for, ""));
    for (size_t i = 0; i < n; i++)
        print_finding(page, &trial->hang_findings[i], "", true);
    if (trial->n_hang_findings > n)
        (void) fprintf(page->out, "\n  ... %zu more groups in the report\n",
                       trial->n_hang_findings - n);
}

/* Of the first trial that has something to tell. */
static void print_waits(const struct sl_page *page, const struct sl_cell_result *cell)
{
    for (size_t i = 0; i < cell->n_trials; i++) {
        const struct sl_trial_result *trial = &cell->trials[i];
        const struct sl_wait_tree *tree = &trial->leaks.wait_tree;
        if ((!tree->n_roots && !tree->n_places) || (!trial->leaks.count && !trial->n_hang_findings))
            continue;
        (void) fputc('\n', page->out);
        sl_wrap_printf(page, SL_STYLE_NONE, 2, "who waits for whom in %s trial %zu",
                       sl_say_cell(page, cell), i + 1);
        tree_print(page, 2, tree);
        return;
    }
}

/* Threads that ended while settling: a slow Close, no leak. */
static void print_late(const struct sl_page *page, const struct sl_cell_result *cell, size_t number)
{
    const struct sl_leak_report *leaks = &cell->trials[number].leaks;
    char delay[SL_FORMAT_MAX];
    uint64_t longest_ns = 0;

    if (!leaks->late || cell->trials[number].leaks_missing)
        return;
    for (size_t i = 0; i < leaks->n_late_threads; i++)
        longest_ns = SL_MAX(longest_ns, leaks->late_threads[i].delay_ns);
    sl_format_time(longest_ns, delay);
    sl_wrap_printf(page, SL_STYLE_NONE, 2,
                   "not counted: %s trial %zu: %" PRIu32
                   " thread%s ended after Close had returned, the last within %s",
                   sl_say_cell(page, cell), number + 1, leaks->late, leaks->late == 1 ? "" : "s",
                   delay);
}

/* What rules ignore, in every cell. */
static void print_ignored(const struct sl_page *page, const struct sl_cell_result *cell)
{
    struct sl_cell_group *groups;
    size_t n_groups;

    if (!sl_cell_groups(page->arena, cell, &groups, &n_groups))
        return;
    for (size_t i = 0; i < n_groups; i++) {
        const struct sl_finding *finding = groups[i].finding;
        if (finding->ignored)
            sl_wrap_printf(page, SL_STYLE_NONE, 2,
                           "not counted: %" PRIu32 " x %s: %s, in %s, ignored by %s",
                           finding->group.count, sl_say_function(page, &finding->group),
                           sl_cause_text(finding->cause), sl_say_cell(page, cell),
                           sl_say_text(page, finding->ignored, ""));
    }
}

/* Library threads are the same in every cell: one line each for the whole run. */
static void print_uncounted(const struct sl_page *page, const struct sl_run_result *result,
                            struct printed *printed)
{
    for (size_t i = 0; i < result->n_cells; i++) {
        struct sl_cell_group *groups;
        size_t n_groups;
        if (!sl_cell_groups(page->arena, &result->cells[i], &groups, &n_groups))
            return;
        for (size_t j = 0; j < n_groups; j++) {
            const struct sl_finding *finding = groups[j].finding;
            const struct sl_group *group = &finding->group;
            if (finding->counted || finding->ignored || was_printed(printed, group))
                continue;
            sl_wrap_printf(page, SL_STYLE_NONE, 2, "not counted: %" PRIu32 " x %s: %s%s%s",
                           group->count, sl_say_function(page, group),
                           sl_cause_text(finding->cause), finding->evidence ? ", " : "",
                           sl_say_text(page, finding->evidence, ""));
        }
    }
}

static bool is_any_proven(const struct sl_finding *findings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (findings[i].group.proof.grade != SL_PROOF_NONE)
            return true;
    return false;
}

static bool has_proofs(const struct sl_run_result *result)
{
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++) {
            const struct sl_trial_result *trial = &result->cells[i].trials[j];
            if (is_any_proven(trial->leaks.findings, trial->leaks.n_findings) ||
                is_any_proven(trial->hang_findings, trial->n_hang_findings))
                return true;
        }
    return false;
}

void sl_table_print_leaks(const struct sl_page *page, const struct sl_run_result *result)
{
    struct printed printed = {.n = 0};

    if (!printed_init(&printed, result, page->arena))
        return;
    for (size_t i = 0; i < result->n_cells; i++)
        print_cell(page, &result->cells[i], &printed);
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            print_hang(page, &result->cells[i], j);
    for (size_t i = 0; i < result->n_cells; i++)
        print_waits(page, &result->cells[i]);
    (void) fputc('\n', page->out);
    sl_cycles_print(page, result);
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            print_late(page, &result->cells[i], j);
    for (size_t i = 0; i < result->n_cells; i++)
        print_ignored(page, &result->cells[i]);
    print_uncounted(page, result, &printed);
    if (has_proofs(result))
        sl_proof_print_assumptions(page);
    sl_table_print_leftovers(page, result);
    sl_table_print_rules(page, result);
}
