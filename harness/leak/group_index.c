/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/leak.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/analysis.h"

struct entry {
    uint64_t fingerprint;
    uint32_t group;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return (a->fingerprint > b->fingerprint) - (a->fingerprint < b->fingerprint);
}

static enum sl_status find_groups(const struct sl_leak_candidate *candidates, size_t n_candidates,
                                  const struct entry *entries, size_t n_entries, uint32_t *index,
                                  struct sl_error *err)
{
    for (size_t i = 0; i < n_candidates; i++) {
        const struct entry key = {.fingerprint = candidates[i].fingerprint};
        const struct entry *found =
            bsearch(&key, entries, n_entries, sizeof *entries, compare_entries);
        if (!found)
            return sl_fail(err, SL_EINVAL, "thread %" PRIu64 " is in none of the groups",
                           candidates[i].thread->id);
        index[i] = found->group;
    }
    return SL_OK;
}

enum sl_status sl_leak_group_index(const struct sl_snapshot *snapshot,
                                   const struct sl_leak_group *groups, size_t n_groups,
                                   struct sl_arena *arena, const uint32_t **ret_index,
                                   struct sl_error *err)
{
    SL_AUTO_FREE struct sl_leak_candidate *candidates = NULL;
    SL_AUTO_FREE struct entry *entries = calloc(n_groups + 1, sizeof *entries);
    uint32_t *index = sl_arena_array(arena, snapshot->n_threads, sizeof *index);

    if (!entries || !index)
        return sl_fail(err, SL_ENOMEM, "no memory for %zu groups", n_groups);
    for (size_t i = 0; i < n_groups; i++)
        entries[i] = (struct entry){.fingerprint = strtoull(groups[i].fingerprint, NULL, 16),
                                    .group = (uint32_t) i};
    qsort(entries, n_groups, sizeof *entries, compare_entries);
    enum sl_status status = sl_leak_all(snapshot, &candidates, err);
    if (!status)
        status = sl_leak_fingerprint_all(candidates, snapshot->n_threads, err);
    if (!status)
        status = find_groups(candidates, snapshot->n_threads, entries, n_groups, index, err);
    if (!status)
        *ret_index = index;
    return status;
}
