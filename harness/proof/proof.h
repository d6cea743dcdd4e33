/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof of death: which threads can nothing that lives ever wake?
 *
 * Only threads that can act are roots.  What they reach is marked; who waits in marked memory acts
 * again.  Life is taken to be where it is not disproved: a claim of death is right under the
 * assumptions of sl_proof_assumptions, or it is not made.
 */
#ifndef SL_PROOF_PROOF_H
#define SL_PROOF_PROOF_H

#include <strandline/error.h>

#include "base/arena.h"
#include "base/macros.h"
#include "harness/model/group.h"

struct sl_proof_opts {
    uint64_t max_time_ns; /* 0: 30 s */
    uint64_t max_memory;  /* bytes; 0: 1.5 GiB */
};

struct sl_proof_stats {
    uint64_t bytes;       /* of memory that were looked through */
    uint64_t scan_ns;     /* that took, without reading them */
    uint64_t duration_ns; /* all of it */
};

/*
 * Look at the process of the snapshot anew, and set the proof of each of the groups, whose threads
 * are those of the snapshot.  Stops no thread.  A process of which nothing can be said is no
 * failure: its groups are not judged, and say why.
 *
 * @param arena      owns texts and paths
 * @param ret_stats  or NULL
 */
SL_CHECKED enum sl_status sl_prove(const struct sl_snapshot *snapshot,
                                   const struct sl_proof_opts *opts, struct sl_group *const *groups,
                                   size_t n_groups, struct sl_arena *arena,
                                   struct sl_proof_stats *ret_stats, struct sl_error *err);

#endif
