/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/fingerprint.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_stacks(const void *left, const void *right)
{
    const struct leak_candidate *a = *(struct leak_candidate *const *) left;
    const struct leak_candidate *b = *(struct leak_candidate *const *) right;
    return COMPARE((uintptr_t) a->thread->stack, (uintptr_t) b->thread->stack);
}

enum sl_status
cluster_fingerprint(struct leak_candidate *candidates, size_t n_candidates, struct sl_error *err)
{
    SL_AUTO_FREE struct leak_candidate **order =
        calloc(n_candidates + 1, sizeof(struct leak_candidate *));

    if (!order)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu stacks", n_candidates);
    for (size_t i = 0; i < n_candidates; i++)
        order[i] = &candidates[i];
    qsort(order, n_candidates, sizeof *order, compare_stacks);
    for (size_t i = 0; i < n_candidates; i++) {
        const struct sl_stack *stack = order[i]->thread->stack;
        bool known = i && stack && stack->n_frames && stack == order[i - 1]->thread->stack;
        /* Without frames it depends on the thread, too. */
        order[i]->fingerprint =
            known ? order[i - 1]->fingerprint : fingerprint_of_thread(order[i]->thread);
    }
    return SL_OK;
}

/* 0: they are of one cluster. */
static int compare_clusters(const struct leak_candidate *a, const struct leak_candidate *b)
{
    int order = COMPARE(a->fingerprint, b->fingerprint);
    if (!order)
        order = COMPARE(a->resident, b->resident);
    return order ? order : COMPARE((uintptr_t) a->ignored, (uintptr_t) b->ignored);
}

/* In one cluster, in the order of the candidates: those that live first, as in their snapshot. */
static int compare_members(const void *left, const void *right)
{
    const struct leak_candidate *a = left, *b = right;
    int order = compare_clusters(a, b);
    if (!order)
        order = COMPARE(a->unjoined != NULL, b->unjoined != NULL);
    return order ? order : COMPARE(a->thread, b->thread);
}

enum sl_status cluster_make(const struct leak_candidate *candidates, size_t n_candidates,
                            struct leak_clusters *ret_clusters, struct sl_error *err)
{
    struct leak_clusters made = {
        .members = calloc(n_candidates + 1, sizeof *made.members),
        .clusters = calloc(n_candidates + 1, sizeof *made.clusters),
    };

    if (!made.members || !made.clusters) {
        cluster_release(&made);
        return sl_fail(err, SL_ENOMEM, "out of memory for groups of %zu threads", n_candidates);
    }
    if (n_candidates)
        memcpy(made.members, candidates, n_candidates * sizeof *candidates);
    qsort(made.members, n_candidates, sizeof *made.members, compare_members);
    for (size_t i = 0; i < n_candidates; i++) {
        const struct leak_candidate *member = &made.members[i];
        if (i == 0 || compare_clusters(member - 1, member) != 0)
            made.clusters[made.n_clusters++].members = member;
        made.clusters[made.n_clusters - 1].n_members++;
        made.clusters[made.n_clusters - 1].count += member->thread->count;
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
