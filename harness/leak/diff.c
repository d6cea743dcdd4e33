/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of a snapshot, and of two those that differ, for who has no arena of ours. */
#include <strandline/leak.h>

#include <string.h>

#include "base/fail.h"
#include "harness/leak/group.h"

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

/* One entry a group of either side, as if it had been on that side only. */
static void
add_side(struct sl_diff *diff, const struct sl_group *groups, size_t n, enum sl_diff_kind kind)
{
    for (size_t i = 0; i < n; i++)
        diff->entries[diff->n_entries++] = (struct sl_diff_entry){
            .kind = kind,
            .group = &groups[i],
            .before = kind == SL_DIFF_GONE ? groups[i].count : 0,
            .after = kind == SL_DIFF_APPEARED ? groups[i].count : 0,
        };
}

/* The two sides of a group next to each other, that of after first. */
static int compare_fingerprints(const void *left, const void *right)
{
    const struct sl_diff_entry *a = left, *b = right;
    int order = strcmp(a->group->fingerprint, b->group->fingerprint);
    return order ? order : (a->kind > b->kind) - (a->kind < b->kind);
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

/* Make one entry of the two sides of a group, and none of a group that stayed as it was. */
static void join_sides(struct sl_diff *diff)
{
    struct sl_diff_entry *entries = diff->entries;
    size_t n = 0;

    qsort(entries, diff->n_entries, sizeof *entries, compare_fingerprints);
    for (size_t i = 0; i < diff->n_entries; i++) {
        struct sl_diff_entry entry = entries[i];
        if (i + 1 < diff->n_entries &&
            strcmp(entry.group->fingerprint, entries[i + 1].group->fingerprint) == 0) {
            entry.before = entries[++i].before;
            entry.kind = entry.after > entry.before ? SL_DIFF_GREW : SL_DIFF_SHRANK;
        }
        if (entry.before != entry.after)
            entries[n++] = entry;
    }
    diff->n_entries = n;
    qsort(entries, n, sizeof *entries, compare_entries);
}

enum sl_status sl_diff_make(const struct sl_snapshot *before, const struct sl_snapshot *after,
                            struct sl_diff **ret_diff, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_diff *diff = arena ? sl_arena_alloc(arena, sizeof *diff) : NULL;
    const struct sl_group *old = NULL, *now = NULL;
    size_t n_old = 0, n_now = 0;

    if (!diff)
        return sl_fail(err, SL_ENOMEM, "out of memory for a comparison of snapshots");
    enum sl_status status = sl_leak_group_all(before, arena, &old, &n_old, err);
    if (!status)
        status = sl_leak_group_all(after, arena, &now, &n_now, err);
    if (status)
        return status;
    diff->entries = sl_arena_array(arena, n_old + n_now, sizeof *diff->entries);
    if (!diff->entries)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu groups", n_old + n_now);
    add_side(diff, now, n_now, SL_DIFF_APPEARED);
    add_side(diff, old, n_old, SL_DIFF_GONE);
    join_sides(diff);
    diff->arena = SL_TAKE(arena);
    *ret_diff = diff;
    return SL_OK;
}

void sl_diff_free(struct sl_diff *diff)
{
    if (diff)
        sl_arena_free(diff->arena);
}

const char *sl_diff_kind_text(enum sl_diff_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) [SL_DIFF_##name] = (text),
        SL_DIFF_MAP(X)
#undef X
    };
    return (size_t) kind < SL_COUNT_OF(texts) ? texts[kind] : "unknown";
}
