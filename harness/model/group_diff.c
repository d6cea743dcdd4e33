/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/group_diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* An entry of one of the lists. */
struct entry {
    const struct sl_group_count *group;
    size_t list, index;
};

/* What is of one fingerprint next to each other, in the order of the lists. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = strcmp(a->group->fingerprint, b->group->fingerprint);

    if (!order)
        order = (a->list > b->list) - (a->list < b->list);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static struct entry *
sort_lists(const struct sl_group_list *lists, size_t n_lists, struct sl_arena *arena, size_t *ret_n)
{
    size_t room = 0, n = 0;

    for (size_t i = 0; i < n_lists; i++)
        room += lists[i].n;
    struct entry *entries = sl_arena_array(arena, room, sizeof *entries);
    if (!entries)
        return NULL;
    for (size_t i = 0; i < n_lists; i++)
        for (size_t j = 0; j < lists[i].n; j++)
            entries[n++] = (struct entry){&lists[i].counts[j], i, j};
    qsort(entries, n, sizeof *entries, compare_entries);
    *ret_n = n;
    return entries;
}

static enum sl_diff_kind
change_between(const struct sl_group_point *first, const struct sl_group_point *last)
{
    if (last->index == SL_GROUP_ABSENT)
        return SL_DIFF_GONE;
    if (first->index == SL_GROUP_ABSENT)
        return SL_DIFF_APPEARED;
    if (first->count == last->count)
        return SL_DIFF_SAME;
    return last->count > first->count ? SL_DIFF_GREW : SL_DIFF_SHRANK;
}

bool sl_group_diff(const struct sl_group_list *lists, size_t n_lists, struct sl_arena *arena,
                   const struct sl_group_series **ret_series, size_t *ret_n_series)
{
    size_t n_entries = 0, n = 0;
    const struct entry *entries = sort_lists(lists, n_lists, arena, &n_entries);
    struct sl_group_series *series = sl_arena_array(arena, n_entries, sizeof *series);

    if (!entries || !series)
        return false;
    for (size_t i = 0; i < n_entries; n++) {
        const char *fingerprint = entries[i].group->fingerprint;
        struct sl_group_point *points = sl_arena_array(arena, n_lists, sizeof *points);
        if (!points)
            return false;
        for (size_t j = 0; j < n_lists; j++)
            points[j].index = SL_GROUP_ABSENT;
        for (; i < n_entries && strcmp(entries[i].group->fingerprint, fingerprint) == 0; i++) {
            struct sl_group_point *point = &points[entries[i].list];
            point->count += entries[i].group->count;
            if (point->index == SL_GROUP_ABSENT)
                point->index = entries[i].index;
        }
        series[n] = (struct sl_group_series){
            fingerprint, change_between(&points[0], &points[n_lists - 1]), points};
    }
    *ret_series = series;
    *ret_n_series = n;
    return true;
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
