/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates that are where others are, too. */
#ifndef SL_LEAK_CLUSTER_H
#define SL_LEAK_CLUSTER_H

#include "harness/leak/candidate.h"

/* Candidates with one fingerprint and one fate. */
struct leak_cluster {
    const struct leak_candidate *members; /* in the order of the candidates */
    size_t n_members;                     /* at least 1 */
    uint32_t count;                       /* threads: the sum over the members */
};

/* Clusters and their members; the two arrays come from malloc. */
struct leak_clusters {
    struct leak_candidate *members;
    struct leak_cluster *clusters;
    size_t n_clusters;
};

/* Fill the fingerprint of every candidate; once per distinct stack, however many share it. */
SL_CHECKED enum sl_status
cluster_fingerprint(struct leak_candidate *candidates, size_t n_candidates, struct sl_error *err);

/* O(n).  Clusters are in no order that means anything. */
SL_CHECKED enum sl_status cluster_make(const struct leak_candidate *candidates, size_t n_candidates,
                                       struct leak_clusters *ret_clusters, struct sl_error *err);

/* All threads of a snapshot, about which nothing else is known. */
SL_CHECKED enum sl_status cluster_all(const struct sl_snapshot *snapshot,
                                      struct leak_clusters *ret_clusters, struct sl_error *err);

void cluster_release(struct leak_clusters *clusters);

#endif
