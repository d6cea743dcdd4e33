/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/cells.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *sl_cell_name(struct sl_arena *arena, const struct sl_cell_result *cell)
{
    const struct sl_cell_key *key = &cell->key;
    const char *label = cell->claim.label;

    return sl_arena_printf(arena, "%s/%s/%s%s%s%s%s%s", key->scenario, key->mode, key->transport,
                           key->fault ? "/" : "", key->fault ? key->fault : "", label ? " (" : "",
                           label ? label : "", label ? ")" : "");
}

bool sl_cell_same(const struct sl_cell_result *a, const struct sl_cell_result *b)
{
    return same_text(a->key.scenario, b->key.scenario) && same_text(a->key.mode, b->key.mode) &&
           same_text(a->key.transport, b->key.transport) && same_text(a->key.fault, b->key.fault) &&
           same_text(a->claim.label, b->claim.label);
}

size_t sl_cells_count_trials(const struct sl_run_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n_cells; i++)
        n += result->cells[i].n_trials;
    return n;
}

size_t sl_cells_count_groups(const struct sl_run_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            n += result->cells[i].trials[j].leaks.n_findings;
    return n;
}

static void
add_group(struct sl_cell_group *groups, size_t *n_groups, const struct sl_finding *finding)
{
    size_t i = 0;
    while (i < *n_groups &&
           (strcmp(groups[i].finding->group.fingerprint, finding->group.fingerprint) != 0 ||
            groups[i].finding->counted != finding->counted))
        i++;
    if (i == *n_groups)
        groups[(*n_groups)++] = (struct sl_cell_group){.finding = finding};
    if (finding->group.count >= groups[i].count) {
        groups[i].count = finding->group.count;
        groups[i].finding = finding;
    }
    groups[i].n_trials++;
}

size_t sl_cell_looked(const struct sl_cell_result *cell, const struct sl_finding *finding)
{
    bool unjoined = finding && finding->cause == SL_CAUSE_UNJOINED;
    size_t n = 0;

    for (size_t i = 0; i < cell->n_trials; i++) {
        const struct sl_trial_result *trial = &cell->trials[i];
        n += !trial->leaks_missing && !(unjoined && trial->leaks.unjoined_missing);
    }
    return n;
}

static int compare_groups(const void *left, const void *right)
{
    const struct sl_cell_group *a = left, *b = right;
    if (a->finding->counted != b->finding->counted)
        return a->finding->counted ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->finding->group.fingerprint, b->finding->group.fingerprint);
}

bool sl_cell_groups(struct sl_arena *arena, const struct sl_cell_result *cell,
                    struct sl_cell_group **ret_groups, size_t *ret_n_groups)
{
    size_t room = 0, n_groups = 0;
    for (size_t i = 0; i < cell->n_trials; i++)
        room += cell->trials[i].leaks.n_findings;
    struct sl_cell_group *groups = sl_arena_array(arena, room, sizeof *groups);
    if (!groups)
        return false;
    for (size_t i = 0; i < cell->n_trials; i++)
        for (size_t j = 0; !cell->trials[i].leaks_missing && j < cell->trials[i].leaks.n_findings;
             j++)
            add_group(groups, &n_groups, &cell->trials[i].leaks.findings[j]);
    qsort(groups, n_groups, sizeof *groups, compare_groups);
    *ret_groups = groups;
    *ret_n_groups = n_groups;
    return true;
}
