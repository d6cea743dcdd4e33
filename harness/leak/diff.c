/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of a snapshot, and of two those that differ, for who has no arena of ours. */
#include <strandline/leak.h>

#include <string.h>

#include "base/fail.h"
#include "harness/leak/group.h"
#include "harness/model/group_diff.h"

static bool index_threads(struct sl_groups *groups, size_t n_threads)
{
    groups->n_threads = n_threads;
    groups->of_threads = sl_arena_array(groups->arena, n_threads, sizeof *groups->of_threads);
    for (size_t i = 0; groups->of_threads && i < groups->n_groups; i++)
        for (size_t j = 0; j < groups->groups[i].n_members; j++)
            groups->of_threads[groups->groups[i].members[j]] = &groups->groups[i];
    return groups->of_threads;
}

enum sl_status sl_groups_make(const struct sl_snapshot *snapshot, struct sl_groups **ret_groups,
                              struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_groups *groups = arena ? sl_arena_alloc(arena, sizeof *groups) : NULL;

    if (!groups)
        return sl_fail(err, SL_ENOMEM, "out of memory for groups");
    enum sl_status status =
        sl_leak_group_all(snapshot, arena, &groups->groups, &groups->n_groups, err);
    if (status)
        return status;
    groups->arena = arena;
    if (!index_threads(groups, snapshot->n_threads))
        return sl_fail(err, SL_ENOMEM, "out of memory for groups");
    *ret_groups = groups;
    arena = NULL;
    return SL_OK;
}

void sl_groups_free(struct sl_groups *groups)
{
    if (groups)
        sl_arena_free(groups->arena);
}

static uint32_t change_of(const struct sl_diff_entry *entry)
{
    return entry->after > entry->before ? entry->after - entry->before
                                        : entry->before - entry->after;
}

static int compare_entries(const void *left, const void *right)
{
    const struct sl_diff_entry *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind > b->kind ? 1 : -1;
    if (change_of(a) != change_of(b))
        return change_of(a) > change_of(b) ? -1 : 1;
    return strcmp(a->group->fingerprint, b->group->fingerprint);
}

/* Entries for what changed; what stayed as it was has none. */
static bool join(struct sl_diff *diff, const struct sl_group *const sides[2],
                 const struct sl_group_list lists[2])
{
    const struct sl_group_series *series = NULL;
    size_t n = 0;

    if (!sl_group_diff(lists, 2, diff->arena, &series, &n))
        return false;
    diff->entries = sl_arena_array(diff->arena, n, sizeof *diff->entries);
    for (size_t i = 0; diff->entries && i < n; i++) {
        const struct sl_group_point *points = series[i].points;
        size_t side = series[i].change != SL_DIFF_GONE;
        if (series[i].change != SL_DIFF_SAME)
            diff->entries[diff->n_entries++] = (struct sl_diff_entry){
                .kind = series[i].change,
                .group = &sides[side][points[side].index],
                .before = (uint32_t) points[0].count,
                .after = (uint32_t) points[1].count,
            };
    }
    return diff->entries;
}

static enum sl_status group_side(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                 const struct sl_group **ret_groups, struct sl_group_list *ret_list,
                                 struct sl_error *err)
{
    enum sl_status status = sl_leak_group_all(snapshot, arena, ret_groups, &ret_list->n, err);
    if (status)
        return status;
    struct sl_group_count *counts = sl_arena_array(arena, ret_list->n, sizeof *counts);
    if (!counts)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu groups", ret_list->n);
    for (size_t i = 0; i < ret_list->n; i++)
        counts[i] = (struct sl_group_count){(*ret_groups)[i].fingerprint, (*ret_groups)[i].count};
    ret_list->counts = counts;
    return SL_OK;
}

enum sl_status sl_diff_make(const struct sl_snapshot *before, const struct sl_snapshot *after,
                            struct sl_diff **ret_diff, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_diff *diff = arena ? sl_arena_alloc(arena, sizeof *diff) : NULL;
    const struct sl_group *sides[2] = {NULL};
    struct sl_group_list lists[2] = {{NULL, 0}};

    if (!diff)
        return sl_fail(err, SL_ENOMEM, "out of memory for a comparison of snapshots");
    diff->arena = arena;
    enum sl_status status = group_side(before, arena, &sides[0], &lists[0], err);
    if (!status)
        status = group_side(after, arena, &sides[1], &lists[1], err);
    if (status)
        return status;
    if (!join(diff, sides, lists))
        return sl_fail(err, SL_ENOMEM, "out of memory for a comparison of snapshots");
    qsort(diff->entries, diff->n_entries, sizeof *diff->entries, compare_entries);
    arena = NULL;
    *ret_diff = diff;
    return SL_OK;
}

void sl_diff_free(struct sl_diff *diff)
{
    if (diff)
        sl_arena_free(diff->arena);
}
