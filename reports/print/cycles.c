/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/cycles.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/macros.h"
#include "reports/print/say.h"
#include "reports/print/wrap.h"

/* Of a long list the beginning and the end tell as much. */
#define MAX_FIRST 6
#define MAX_LAST  2

#define MAX_GROUPS 10 /* printed per trial; the report has all */

/* "1, 2, 3" */
static const char *say_counts(struct sl_arena *arena, const struct sl_cycle_group *group)
{
    const char *text = "";

    for (size_t i = 0; text && i < group->n_counts; i++) {
        const char *between = i ? ", " : "";
        if (i == MAX_FIRST && group->n_counts > MAX_FIRST + MAX_LAST) {
            between = ", ..., ";
            i = group->n_counts - MAX_LAST;
        }
        text = sl_arena_printf(arena, "%s%s%" PRIu64, text, between, group->counts[i]);
    }
    return text;
}

const char *sl_cycles_say(struct sl_arena *arena, const struct sl_cycle_group *group)
{
    const char *counts = say_counts(arena, group);
    double slope = group->slope.value;

    if (!counts)
        return NULL;
    if (group->kind == SL_SLOPE_PER_CYCLE)
        return sl_arena_printf(arena, "+%.0f thread%s per cycle (%s)", slope, slope == 1 ? "" : "s",
                               counts);
    if (group->kind == SL_SLOPE_GROWING)
        return sl_arena_printf(arena, "grows, by %.3g threads per cycle on average (%s)", slope,
                               counts);
    return sl_arena_printf(arena, "does not grow (%s)", counts);
}

static void print_group(const struct sl_page *page, const struct sl_cycle_group *group)
{
    const char *course = sl_cycles_say(page->arena, group);

    sl_wrap_printf(page, SL_STYLE_BAD, 4, "    %s: %s, fingerprint %s",
                   sl_say_text(page, group->function, "(unknown)"), course ? course : "grows",
                   sl_say_text(page, group->fingerprint, "?"));
}

/* The steepest first. */
static int compare_groups(const void *left, const void *right)
{
    const struct sl_cycle_group *a = *(const struct sl_cycle_group *const *) left;
    const struct sl_cycle_group *b = *(const struct sl_cycle_group *const *) right;

    if (a->slope.value != b->slope.value)
        return a->slope.value < b->slope.value ? 1 : -1;
    return (a > b) - (a < b); /* all are in one array */
}

static void print_trial(const struct sl_page *page, const struct sl_cell_result *cell, size_t at)
{
    const struct sl_cycles *cycles = &cell->trials[at].cycles;
    const struct sl_cycle_group **growing =
        sl_arena_array(page->arena, cycles->n_groups, sizeof *growing);
    size_t n = 0;

    for (size_t i = 0; growing && i < cycles->n_groups; i++)
        if (cycles->groups[i].kind != SL_SLOPE_ONCE)
            growing[n++] = &cycles->groups[i];
    if (!growing)
        return;
    qsort(growing, n, sizeof *growing, compare_groups);
    const char *of =
        cycles->n < cycles->planned ? sl_say(page, " of %" PRIu32, cycles->planned) : "";
    const char *grew = n == 1 ? "1 group of threads grew"
                       : n    ? sl_say(page, "%zu groups of threads grew", n)
                              : "no group of threads grew";
    sl_wrap_printf(page, n ? SL_STYLE_WARN : SL_STYLE_NONE, 2,
                   "cycles: %s trial %zu: %" PRIu32 "%s times opened and closed, %s",
                   sl_say_cell(page, cell), at + 1, cycles->n, of,
                   cycles->n < 2 ? "too few to see what grows" : grew);
    for (size_t i = 0; i < SL_MIN(n, (size_t) MAX_GROUPS); i++)
        print_group(page, growing[i]);
    if (n > MAX_GROUPS)
        (void) fprintf(page->out, "    ... %zu more in the report\n", n - MAX_GROUPS);
}

void sl_cycles_print(const struct sl_page *page, const struct sl_run_result *result)
{
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            if (result->cells[i].trials[j].cycles.planned)
                print_trial(page, &result->cells[i], j);
}
