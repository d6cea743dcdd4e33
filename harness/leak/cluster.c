/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/fingerprint.h"

/* Which candidates are alike: a hash table of the first of each kind, by index and 1 up. */
struct kinds {
    uint32_t *firsts; /* 0: free; twice as many as there are candidates, at least */
    size_t mask;
    bool (*alike)(const struct leak_candidate *a, const struct leak_candidate *b);
};

static bool make_kinds(struct kinds *kinds, size_t n_candidates)
{
    size_t capacity = 16;

    while (capacity < 2 * n_candidates)
        capacity *= 2;
    kinds->mask = capacity - 1;
    kinds->firsts = calloc(capacity, sizeof *kinds->firsts);
    return kinds->firsts;
}

/* The first candidate that is alike, which may be the one that is asked for. */
static uint32_t
find_first(struct kinds *kinds, const struct leak_candidate *candidates, uint32_t i, uint64_t key)
{
    key *= UINT64_C(0x9e3779b97f4a7c15); /* keys are addresses or hashes: spread all their bits */
    for (size_t at = key >> 32;; at++) {
        uint32_t *first = &kinds->firsts[at & kinds->mask];
        if (!*first)
            *first = i + 1;
        if (*first == i + 1 || kinds->alike(&candidates[*first - 1], &candidates[i]))
            return *first - 1;
    }
}

static bool have_one_stack(const struct leak_candidate *a, const struct leak_candidate *b)
{
    return a->thread->stack == b->thread->stack;
}

enum sl_status
cluster_fingerprint(struct leak_candidate *candidates, size_t n_candidates, struct sl_error *err)
{
    struct kinds kinds = {.alike = have_one_stack};

    if (!make_kinds(&kinds, n_candidates))
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu stacks", n_candidates);
    for (uint32_t i = 0; i < n_candidates; i++) {
        const struct sl_stack *stack = candidates[i].thread->stack;
        /* Without frames it depends on the thread, too. */
        uint32_t first =
            stack && stack->n_frames ? find_first(&kinds, candidates, i, (uintptr_t) stack) : i;
        candidates[i].fingerprint = first == i ? fingerprint_of_thread(candidates[i].thread)
                                               : candidates[first].fingerprint;
    }
    free(kinds.firsts);
    return SL_OK;
}

static bool are_of_one_cluster(const struct leak_candidate *a, const struct leak_candidate *b)
{
    return a->fingerprint == b->fingerprint && a->resident == b->resident &&
           a->ignored == b->ignored;
}

/* Count the members of each cluster, and note of which cluster each candidate is. */
static bool count_members(const struct leak_candidate *candidates, size_t n_candidates,
                          struct leak_clusters *made, uint32_t *of_candidates)
{
    struct kinds kinds = {.alike = are_of_one_cluster};

    if (!make_kinds(&kinds, n_candidates))
        return false;
    for (uint32_t i = 0; i < n_candidates; i++) {
        uint32_t first = find_first(&kinds, candidates, i, candidates[i].fingerprint);
        of_candidates[i] = first == i ? (uint32_t) made->n_clusters++ : of_candidates[first];
        struct leak_cluster *cluster = &made->clusters[of_candidates[i]];
        cluster->n_members++;
        cluster->count += candidates[i].thread->count;
    }
    free(kinds.firsts);
    return true;
}

enum sl_status cluster_make(const struct leak_candidate *candidates, size_t n_candidates,
                            struct leak_clusters *ret_clusters, struct sl_error *err)
{
    SL_AUTO_FREE uint32_t *of_candidates = calloc(n_candidates + 1, sizeof *of_candidates);
    struct leak_clusters made = {
        .members = calloc(n_candidates + 1, sizeof *made.members),
        .clusters = calloc(n_candidates + 1, sizeof *made.clusters),
    };

    if (!of_candidates || !made.members || !made.clusters ||
        !count_members(candidates, n_candidates, &made, of_candidates)) {
        cluster_release(&made);
        return sl_fail(err, SL_ENOMEM, "out of memory for groups of %zu threads", n_candidates);
    }
    struct leak_candidate *next = made.members;
    for (size_t c = 0; c < made.n_clusters; c++) {
        made.clusters[c].members = next;
        next += made.clusters[c].n_members;
        made.clusters[c].n_members = 0;
    }
    for (size_t i = 0; i < n_candidates; i++) {
        struct leak_cluster *cluster = &made.clusters[of_candidates[i]];
        made.members[cluster->members - made.members + cluster->n_members++] = candidates[i];
    }
    *ret_clusters = made;
    return SL_OK;
}

void cluster_release(struct leak_clusters *clusters)
{
    free(clusters->members);
    free(clusters->clusters);
    *clusters = (struct leak_clusters){0};
}

enum sl_status cluster_all(const struct sl_snapshot *snapshot, struct leak_clusters *ret_clusters,
                           struct sl_error *err)
{
    SL_AUTO_FREE struct leak_candidate *candidates =
        calloc(snapshot->n_threads + 1, sizeof *candidates);

    if (!candidates)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", snapshot->n_threads);
    for (size_t i = 0; i < snapshot->n_threads; i++)
        candidates[i].thread = &snapshot->threads[i];
    enum sl_status status = cluster_fingerprint(candidates, snapshot->n_threads, err);
    return status ? status : cluster_make(candidates, snapshot->n_threads, ret_clusters, err);
}
