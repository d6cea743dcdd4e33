/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters as others see them. */
#ifndef SL_LEAK_GROUP_H
#define SL_LEAK_GROUP_H

#include "harness/leak/cluster.h"
#include "harness/model/group.h"

/*
 * Describe a cluster of threads of a snapshot.  Strings and arrays are copied into the arena, so
 * that the snapshot may be freed.
 */
SL_CHECKED enum sl_status
group_of_cluster(const struct sl_snapshot *snapshot, const struct leak_cluster *cluster,
                 struct sl_arena *arena, struct sl_group *ret_group, struct sl_error *err);

/* Group all threads of a snapshot by fingerprint, largest group first. */
SL_CHECKED enum sl_status
sl_leak_group_all(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                  const struct sl_group **ret_groups, size_t *ret_n_groups, struct sl_error *err);

#endif
