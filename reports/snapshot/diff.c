/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "harness/model/group_diff.h"

/* Least squares over looks that are one step apart. */
static double slope_of(const uint64_t *counts, size_t n)
{
    const double middle = (double) (n - 1) / 2;
    double above = 0, below = 0;

    for (size_t i = 0; i < n; i++) {
        double distance = (double) i - middle;
        above += distance * (double) counts[i];
        below += distance * distance;
    }
    return above / below;
}

static bool grows(const uint64_t *counts, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (counts[i] <= counts[i - 1])
            return false;
    return true;
}

static bool varies(const uint64_t *counts, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (counts[i] != counts[0])
            return true;
    return false;
}

static uint64_t change_of(const struct sl_diff_row *row)
{
    uint64_t first = row->counts[0], last = row->counts[row->n_counts - 1];
    return last > first ? last - first : first - last;
}

static int compare_rows(const void *left, const void *right)
{
    const struct sl_diff_row *a = left, *b = right;

    if ((a->growing == SL_MAYBE_YES) != (b->growing == SL_MAYBE_YES))
        return a->growing == SL_MAYBE_YES ? -1 : 1;
    if (a->change != b->change)
        return a->change > b->change ? 1 : -1;
    if (change_of(a) != change_of(b))
        return change_of(a) > change_of(b) ? -1 : 1;
    return strcmp(a->group->fingerprint, b->group->fingerprint);
}

/* @return false when memory is short */
static bool make_row(const struct sl_group_series *series, const struct sl_diff_side *sides,
                     size_t n_sides, struct sl_arena *arena, struct sl_diff_row *ret_row)
{
    uint64_t *counts = sl_arena_array(arena, n_sides, sizeof *counts);

    if (!counts)
        return false;
    *ret_row = (struct sl_diff_row){.change = series->change,
                                    .counts = counts,
                                    .n_counts = n_sides,
                                    .slope = SL_MISSING_REAL("of two looks there is none")};
    for (size_t i = 0; i < n_sides; i++) {
        counts[i] = series->points[i].count;
        if (series->points[i].index != SL_GROUP_ABSENT)
            ret_row->group = &sides[i].groups[series->points[i].index];
    }
    ret_row->varied = varies(counts, n_sides);
    if (n_sides > 2) {
        ret_row->growing = grows(counts, n_sides) ? SL_MAYBE_YES : SL_MAYBE_NO;
        ret_row->slope = SL_REAL(slope_of(counts, n_sides));
    }
    return true;
}

/* The counts of a side.  @return false when memory is short */
static bool
list_side(const struct sl_diff_side *side, struct sl_arena *arena, struct sl_group_list *ret_list)
{
    struct sl_group_count *counts = sl_arena_array(arena, side->n_groups, sizeof *counts);

    for (size_t i = 0; counts && i < side->n_groups; i++)
        counts[i] = (struct sl_group_count){side->groups[i].fingerprint, side->groups[i].count};
    *ret_list = (struct sl_group_list){counts, side->n_groups};
    return counts;
}

static bool join(const struct sl_diff_side *sides, size_t n_sides, struct sl_arena *arena,
                 struct sl_snapshot_diff *diff)
{
    struct sl_group_list *lists = sl_arena_array(arena, n_sides, sizeof *lists);
    const struct sl_group_series *series = NULL;
    size_t n = 0;

    for (size_t i = 0; i < n_sides; i++)
        if (!lists || !list_side(&sides[i], arena, &lists[i]))
            return false;
    if (!sl_group_diff(lists, n_sides, arena, &series, &n))
        return false;
    struct sl_diff_row *rows = sl_arena_array(arena, n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        if (!rows || !make_row(&series[i], sides, n_sides, arena, &rows[diff->n_rows]))
            return false;
        *(rows[diff->n_rows].varied ? &diff->n_rows : &diff->n_same) += 1;
    }
    if (diff->n_rows)
        qsort(rows, diff->n_rows, sizeof *rows, compare_rows);
    diff->rows = rows;
    return rows;
}

enum sl_status sl_snapshot_diff_make(const struct sl_diff_side *sides, size_t n_sides,
                                     struct sl_arena *arena, struct sl_snapshot_diff *ret_diff,
                                     struct sl_error *err)
{
    struct sl_snapshot_diff diff = {.sides = sides, .n_sides = n_sides};

    for (size_t i = 1; i < n_sides; i++)
        if (sides[i].kind != sides[0].kind)
            return sl_fail(err, SL_EINVAL, "'%s' has %s, '%s' has %s", sides[0].name,
                           sides[0].kind == SL_SNAPSHOT_THREADS ? "threads" : "goroutines",
                           sides[i].name,
                           sides[i].kind == SL_SNAPSHOT_THREADS ? "threads" : "goroutines");
    if (!join(sides, n_sides, arena, &diff))
        return sl_fail(err, SL_ENOMEM, "out of memory for a comparison of %zu looks", n_sides);
    *ret_diff = diff;
    return SL_OK;
}
