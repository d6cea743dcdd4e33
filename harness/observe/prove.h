/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of what stayed: found while the process stands still, told when all is over. */
#ifndef SL_OBSERVE_PROVE_H
#define SL_OBSERVE_PROVE_H

#include <strandline/error.h>

#include "base/arena.h"
#include "base/macros.h"
#include "harness/model/finding.h"

/* Of one observation. */
struct prove_list {
    struct prove_entry {
        char fingerprint[17];
        size_t n_members;
        uint32_t first; /* of the members */
        struct sl_proof proof;
    } * entries;
    size_t n_entries;
};

/*
 * Look at the process once more, for the findings that count.  What hinders it is told by the
 * proofs.
 */
SL_CHECKED enum sl_status
prove_findings(const struct sl_snapshot *settled, const struct sl_leak_report *report,
               struct sl_arena *arena, struct prove_list *ret_list, struct sl_error *err);

/* Give them to findings of the same threads. */
SL_CHECKED enum sl_status prove_apply(const struct prove_list *list, struct sl_arena *arena,
                                      struct sl_leak_report *report, struct sl_error *err);

#endif
