/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/cells.h"

#include <stdlib.h>
#include <string.h>

static int compare_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

const char *sl_cell_name(struct sl_arena *arena, const struct sl_cell_result *cell)
{
    const struct sl_cell_key *key = &cell->key;
    const char *label = cell->claim.label;

    return sl_arena_printf(arena, "%s/%s/%s%s%s%s%s%s", key->scenario, key->mode, key->transport,
                           key->fault ? "/" : "", key->fault ? key->fault : "", label ? " (" : "",
                           label ? label : "", label ? ")" : "");
}

int sl_cell_compare(const struct sl_cell_result *a, const struct sl_cell_result *b)
{
    const char *const texts[][2] = {{a->key.scenario, b->key.scenario},
                                    {a->key.mode, b->key.mode},
                                    {a->key.transport, b->key.transport},
                                    {a->key.fault, b->key.fault},
                                    {a->claim.label, b->claim.label}};
    int order = 0;

    for (size_t i = 0; i < SL_COUNT_OF(texts) && !order; i++)
        order = compare_texts(texts[i][0], texts[i][1]);
    return order;
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

struct sl_looked sl_cell_looked(const struct sl_cell_result *cell)
{
    struct sl_looked looked = {0};

    for (size_t i = 0; i < cell->n_trials; i++) {
        const struct sl_trial_result *trial = &cell->trials[i];
        looked.n += !trial->leaks_missing;
        looked.n_unjoined += !trial->leaks_missing && !trial->leaks.unjoined_missing;
    }
    return looked;
}

size_t sl_looked_for(const struct sl_looked *looked, const struct sl_finding *finding)
{
    return finding->cause == SL_CAUSE_UNJOINED ? looked->n_unjoined : looked->n;
}

/* Leaks, then those that rules ignore, then what is none. */
static int rank(const struct sl_finding *finding)
{
    return finding->counted ? 0 : finding->ignored ? 1 : 2;
}

static int compare_groups(const void *left, const void *right)
{
    const struct sl_cell_group *a = left, *b = right;
    int order = rank(a->finding) - rank(b->finding);
    if (order)
        return order;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->finding->group.fingerprint, b->finding->group.fingerprint);
}

/* A finding of a cell, and which trial it is of. */
struct seen {
    const struct sl_finding *finding;
    size_t trial;
};

static int compare_seen(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    int order = strcmp(a->finding->group.fingerprint, b->finding->group.fingerprint);

    if (!order)
        order = rank(a->finding) - rank(b->finding);
    return order ? order : (a->trial > b->trial) - (a->trial < b->trial);
}

static bool is_alike(const struct seen *a, const struct seen *b)
{
    return rank(a->finding) == rank(b->finding) &&
           strcmp(a->finding->group.fingerprint, b->finding->group.fingerprint) == 0;
}

/* Those of one group, from the first on.  @return how many they are */
static size_t fold(const struct seen *seen, size_t n, struct sl_cell_group *ret_group)
{
    size_t i = 0;

    *ret_group = (struct sl_cell_group){.finding = seen->finding};
    for (; i < n && is_alike(seen, &seen[i]); i++) {
        if (seen[i].finding->group.count >= ret_group->count) {
            ret_group->count = seen[i].finding->group.count;
            ret_group->finding = seen[i].finding;
        }
        ret_group->n_trials += i == 0 || seen[i].trial != seen[i - 1].trial;
    }
    return i;
}

bool sl_cell_groups(struct sl_arena *arena, const struct sl_cell_result *cell,
                    struct sl_cell_group **ret_groups, size_t *ret_n_groups)
{
    size_t room = 0, n = 0, n_groups = 0;

    for (size_t i = 0; i < cell->n_trials; i++)
        room += cell->trials[i].leaks.n_findings;
    struct sl_cell_group *groups = sl_arena_array(arena, room, sizeof *groups);
    SL_AUTO_FREE struct seen *seen = malloc((room + 1) * sizeof *seen);
    if (!groups || !seen)
        return false;
    for (size_t i = 0; i < cell->n_trials; i++)
        for (size_t j = 0; !cell->trials[i].leaks_missing && j < cell->trials[i].leaks.n_findings;
             j++)
            seen[n++] = (struct seen){&cell->trials[i].leaks.findings[j], i};
    qsort(seen, n, sizeof *seen, compare_seen);
    for (size_t i = 0; i < n;)
        i += fold(&seen[i], n - i, &groups[n_groups++]);
    qsort(groups, n_groups, sizeof *groups, compare_groups);
    *ret_groups = groups;
    *ret_n_groups = n_groups;
    return true;
}
