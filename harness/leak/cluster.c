/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/fingerprint.h"

/* Open addressing; never more than half full, so that probing stays short. */
struct slot {
    uint64_t key;
    uint64_t value;
    bool flag; /* part of the key */
    bool used;
};

struct map {
    struct slot *slots;
    size_t mask;
};

static bool map_init(struct map *map, size_t n_keys)
{
    size_t n_slots = 16;
    while (n_slots < 2 * n_keys)
        n_slots *= 2;
    map->slots = calloc(n_slots, sizeof *map->slots);
    map->mask = n_slots - 1;
    return map->slots;
}

/* The slot of a key; when it is not `used`, it is new and the caller's to fill. */
static struct slot *map_find(const struct map *map, uint64_t key, bool flag)
{
    uint64_t hash = (key ^ flag) * UINT64_C(0x9e3779b97f4a7c15); /* spreads aligned pointers */
    size_t at = (size_t) (hash >> 32) & map->mask;
    while (map->slots[at].used && (map->slots[at].key != key || map->slots[at].flag != flag))
        at = (at + 1) & map->mask;
    map->slots[at].key = key;
    map->slots[at].flag = flag;
    return &map->slots[at];
}

enum sl_status
cluster_fingerprint(struct leak_candidate *candidates, size_t n_candidates, struct sl_error *err)
{
    struct map known;
    if (!map_init(&known, n_candidates))
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu stacks", n_candidates);

    for (size_t i = 0; i < n_candidates; i++) {
        const struct sl_thread *thread = candidates[i].thread;
        if (!thread->stack || !thread->stack->n_frames) { /* depends on the thread too */
            candidates[i].fingerprint = fingerprint_of_thread(thread);
            continue;
        }
        struct slot *slot = map_find(&known, (uint64_t) (uintptr_t) thread->stack, false);
        if (!slot->used) {
            slot->used = true;
            slot->value = fingerprint_of_thread(thread);
        }
        candidates[i].fingerprint = slot->value;
    }
    free(known.slots);
    return SL_OK;
}

/* Number the clusters by first appearance; of_candidate[i] is the cluster of candidate i. */
static void number_clusters(const struct map *map, const struct leak_candidate *candidates,
                            size_t n_candidates, size_t *of_candidate,
                            struct leak_clusters *clusters)
{
    for (size_t i = 0; i < n_candidates; i++) {
        struct slot *slot = map_find(map, candidates[i].fingerprint, candidates[i].resident);
        if (!slot->used) {
            slot->used = true;
            slot->value = clusters->n_clusters++;
        }
        of_candidate[i] = (size_t) slot->value;
        clusters->clusters[slot->value].n_members++;
    }
}

/* Sort the members by cluster, each cluster in the order of the candidates. */
static void place_members(const struct leak_candidate *candidates, size_t n_candidates,
                          const size_t *of_candidate, struct leak_clusters *clusters)
{
    struct leak_candidate *end = clusters->members;
    for (size_t i = 0; i < clusters->n_clusters; i++) {
        clusters->clusters[i].members = end;
        end += clusters->clusters[i].n_members;
        clusters->clusters[i].n_members = 0; /* counted again below */
    }
    for (size_t i = 0; i < n_candidates; i++) {
        struct leak_cluster *cluster = &clusters->clusters[of_candidate[i]];
        size_t offset = (size_t) (cluster->members - clusters->members) + cluster->n_members++;
        clusters->members[offset] = candidates[i];
        cluster->count += candidates[i].thread->count;
    }
}

enum sl_status cluster_make(const struct leak_candidate *candidates, size_t n_candidates,
                            struct leak_clusters *ret_clusters, struct sl_error *err)
{
    struct map map = {0};
    struct leak_clusters clusters = {
        .members = calloc(n_candidates + 1, sizeof *clusters.members),
        .clusters = calloc(n_candidates + 1, sizeof *clusters.clusters),
    };
    SL_AUTO_FREE size_t *of_candidate = calloc(n_candidates + 1, sizeof *of_candidate);

    if (!clusters.members || !clusters.clusters || !of_candidate || !map_init(&map, n_candidates)) {
        cluster_release(&clusters);
        return sl_fail(err, SL_ENOMEM, "out of memory for groups of %zu threads", n_candidates);
    }
    number_clusters(&map, candidates, n_candidates, of_candidate, &clusters);
    free(map.slots);
    place_members(candidates, n_candidates, of_candidate, &clusters);
    *ret_clusters = clusters;
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
