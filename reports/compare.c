/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/search.h"
#include "harness/model/group_diff.h"

/* Room for everything that there may be. */
static bool make_room(struct sl_comparison *made)
{
    const struct sl_run_result *base = made->base, *head = made->head;
    size_t n_groups = sl_cells_count_groups(base) + sl_cells_count_groups(head);

    made->groups = sl_arena_array(made->arena, n_groups, sizeof *made->groups);
    made->metrics =
        sl_arena_array(made->arena, head->n_cells, (size_t) SL_N_METRICS * sizeof *made->metrics);
    made->only_base = sl_arena_array(made->arena, base->n_cells, sizeof *made->only_base);
    made->only_head = sl_arena_array(made->arena, head->n_cells, sizeof *made->only_head);
    return made->groups && made->metrics && made->only_base && made->only_head;
}

static struct sl_share looked_of(const struct sl_run_result *result)
{
    struct sl_share share = {.of = sl_cells_count_trials(result)};
    for (size_t i = 0; i < result->n_cells; i++)
        share.n += sl_cell_looked(&result->cells[i]).n;
    return share;
}

/* The leaks of one side's cell. */
struct side {
    const struct sl_cell_result *cell; /* NULL: not played */
    struct sl_looked looked;
    struct sl_cell_group *groups;
    struct sl_group_list list; /* of their counts */
};

static bool
side_init(struct sl_comparison *made, const struct sl_cell_result *cell, struct side *ret_side)
{
    struct side side = {.cell = cell};
    size_t n = 0;

    if (cell)
        side.looked = sl_cell_looked(cell);
    if (cell && !sl_cell_groups(made->arena, cell, &side.groups, &n))
        return false;
    struct sl_group_count *counts = sl_arena_array(made->arena, n, sizeof *counts);
    if (!counts)
        return false;
    for (; side.list.n < n; side.list.n++) {
        const struct sl_cell_group *group = &side.groups[side.list.n];
        /* A rule takes a leak out of the verdict, not out of the program. */
        if (!group->finding->counted && !group->finding->ignored)
            break;
        counts[side.list.n] =
            (struct sl_group_count){group->finding->group.fingerprint, group->count};
    }
    side.list.counts = counts; /* those that do not count are last, and not in it */
    *ret_side = side;
    return true;
}

static const struct sl_cell_group *group_at(const struct side *side, size_t index)
{
    return index == SL_GROUP_ABSENT ? NULL : &side->groups[index];
}

static struct sl_value count_in(const struct side *side, const struct sl_finding *finding,
                                const struct sl_cell_group *seen)
{
    if (!side->cell)
        return SL_MISSING_VALUE("the cell was not played");
    /* "Not there" is a fact only when somebody looked. */
    if (!sl_looked_for(&side->looked, finding))
        return SL_MISSING_VALUE("no trial of the cell could look");
    return SL_VALUE(seen ? seen->count : 0);
}

static void add_group(struct sl_comparison *made, const struct side *base, const struct side *head,
                      const struct sl_group_series *series)
{
    const struct sl_cell_group *before = group_at(base, series->points[0].index);
    const struct sl_cell_group *after = group_at(head, series->points[1].index);
    const struct sl_finding *finding = after ? after->finding : before->finding;
    size_t base_looked = sl_looked_for(&base->looked, finding);
    size_t head_looked = sl_looked_for(&head->looked, finding);
    enum sl_change change = SL_CHANGE_SAME;

    if (series->change == SL_DIFF_APPEARED)
        change = !base->cell || base_looked ? SL_CHANGE_NEW : SL_CHANGE_UNKNOWN;
    else if (series->change == SL_DIFF_GONE)
        change = head_looked ? SL_CHANGE_GONE : SL_CHANGE_UNKNOWN;
    made->groups[made->n_groups++] = (struct sl_group_change){
        .change = change,
        .cell = head->cell ? head->cell : base->cell,
        .finding = finding,
        .base_count = count_in(base, finding, before),
        .head_count = count_in(head, finding, after),
        .base_trials = {before ? before->n_trials : 0, base_looked},
        .head_trials = {after ? after->n_trials : 0, head_looked},
    };
}

/*
 * Either may be NULL, a cell that this side did not play.  What head has and base did not play is
 * new; what base has and head did not play may be there still.
 */
static bool compare_groups(struct sl_comparison *made, const struct sl_cell_result *base_cell,
                           const struct sl_cell_result *head_cell)
{
    struct side base, head;
    const struct sl_group_series *series = NULL;
    size_t n = 0;

    if (!side_init(made, base_cell, &base) || !side_init(made, head_cell, &head) ||
        !sl_group_diff((struct sl_group_list[]){base.list, head.list}, 2, made->arena, &series, &n))
        return false;
    for (size_t i = 0; i < n; i++)
        add_group(made, &base, &head, &series[i]);
    return true;
}

static bool compare_metrics(struct sl_comparison *made, const struct sl_cell_result *base,
                            const struct sl_cell_result *head)
{
    for (unsigned i = 0; i < SL_N_METRICS; i++) {
        struct sl_summary before, after;
        if (sl_metrics[i].tier == SL_TIER_LEAK)
            continue;
        if (!sl_metric_summarise(made->arena, base, &sl_metrics[i], &before) ||
            !sl_metric_summarise(made->arena, head, &sl_metrics[i], &after))
            return false;
        made->metrics[made->n_metrics++] = (struct sl_metric_change){
            .cell = head,
            .metric = sl_metrics[i],
            .base = before.number,
            .head = after.number,
            .base_trials = {base->n_trials - before.n_missing, base->n_trials},
            .head_trials = {head->n_trials - after.n_missing, head->n_trials},
        };
    }
    return true;
}

/* The cells of base in the order of their names, and how many of those of one name are paired. */
struct pairs {
    const struct sl_cell_result **cells;
    size_t *n_paired; /* at the first of a name */
    size_t n;
};

static int compare_names(const void *left, const void *right)
{
    const struct sl_cell_result *a = *(const struct sl_cell_result *const *) left;
    const struct sl_cell_result *b = *(const struct sl_cell_result *const *) right;
    int order = sl_cell_compare(a, b);

    return order ? order : (a > b) - (a < b); /* in one array */
}

static bool
pairs_init(struct pairs *pairs, const struct sl_run_result *base, struct sl_arena *arena)
{
    pairs->n = base->n_cells;
    pairs->cells = sl_arena_array(arena, pairs->n, sizeof *pairs->cells);
    pairs->n_paired = sl_arena_array(arena, pairs->n, sizeof *pairs->n_paired);
    if (!pairs->cells || !pairs->n_paired)
        return false;
    for (size_t i = 0; i < pairs->n; i++)
        pairs->cells[i] = &base->cells[i];
    qsort(pairs->cells, pairs->n, sizeof *pairs->cells, compare_names);
    return true;
}

static size_t pairs_find(const struct pairs *pairs, const struct sl_cell_result *cell)
{
    return SL_PARTITION_POINT(pairs->n, i, sl_cell_compare(pairs->cells[i], cell) < 0);
}

/* The next cell of this name that has no partner, which it has then; NULL: there is none. */
static const struct sl_cell_result *
pairs_take(struct pairs *pairs, const struct sl_cell_result *cell)
{
    size_t first = pairs_find(pairs, cell);

    if (first == pairs->n || sl_cell_compare(pairs->cells[first], cell) != 0)
        return NULL;
    size_t at = first + pairs->n_paired[first];
    if (at == pairs->n || sl_cell_compare(pairs->cells[at], cell) != 0)
        return NULL;
    pairs->n_paired[first]++;
    return pairs->cells[at];
}

/* Cells pair up by key and label; of several alike the first ones, the second ones, ... */
static bool compare_cells(struct sl_comparison *made)
{
    const struct sl_run_result *base = made->base, *head = made->head;
    bool *paired = sl_arena_array(made->arena, base->n_cells, sizeof *paired);
    struct pairs pairs;

    if (!paired || !pairs_init(&pairs, base, made->arena))
        return false;
    for (size_t i = 0; i < head->n_cells; i++) {
        const struct sl_cell_result *cell = &head->cells[i], *before = pairs_take(&pairs, cell);
        if (before) {
            paired[before - base->cells] = true;
            sl_sides_compare_settings(before, cell, &made->settings);
        } else
            made->only_head[made->n_only_head++] = cell;
        if (!compare_groups(made, before, cell) || (before && !compare_metrics(made, before, cell)))
            return false;
    }
    for (size_t j = 0; j < base->n_cells; j++) {
        if (paired[j])
            continue;
        made->only_base[made->n_only_base++] = &base->cells[j];
        if (!compare_groups(made, &base->cells[j], NULL))
            return false;
    }
    return true;
}

static uint64_t most_of(const struct sl_group_change *change)
{
    uint64_t base = change->base_count.missing ? 0 : change->base_count.value;
    return SL_MAX(base, change->head_count.missing ? 0 : change->head_count.value);
}

/* By change; what is equal in that stays in the order of the cells, which are in one array for
   each side. */
static int compare_changes(const void *left, const void *right)
{
    const struct sl_group_change *a = left, *b = right;
    uint64_t most_a = most_of(a), most_b = most_of(b);

    if (a->change != b->change)
        return a->change < b->change ? -1 : 1;
    if (a->cell != b->cell)
        return a->cell < b->cell ? -1 : 1;
    if (most_a != most_b)
        return most_a > most_b ? -1 : 1;
    return strcmp(a->finding->group.fingerprint, b->finding->group.fingerprint);
}

enum sl_status sl_compare(const struct sl_run_result *base, const struct sl_run_result *head,
                          struct sl_arena *arena, struct sl_comparison *ret_comparison,
                          struct sl_error *err)
{
    struct sl_comparison made = {
        .arena = arena,
        .base = base,
        .head = head,
        .base_looked = looked_of(base),
        .head_looked = looked_of(head),
        .environment = {.arena = arena},
        .settings = {.arena = arena},
        .doubts = {.arena = arena},
    };

    sl_sides_compare_environment(base, head, &made.environment);
    sl_sides_doubt("base", base, &made.doubts);
    sl_sides_doubt("head", head, &made.doubts);
    if (!make_room(&made) || !compare_cells(&made) || made.environment.incomplete ||
        made.settings.incomplete || made.doubts.incomplete)
        return sl_fail(err, SL_ENOMEM, "out of memory for a comparison");
    qsort(made.groups, made.n_groups, sizeof *made.groups, compare_changes);
    made.same_environment = made.environment.n == 0;
    *ret_comparison = made;
    return SL_OK;
}

const char *sl_change_text(enum sl_change change)
{
    static const char *const texts[] = {
        [SL_CHANGE_NEW] = "new",
        [SL_CHANGE_GONE] = "gone",
        [SL_CHANGE_SAME] = "same",
        [SL_CHANGE_UNKNOWN] = "unknown",
    };
    return texts[change];
}
