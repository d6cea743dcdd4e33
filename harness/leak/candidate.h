/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that may have leaked, each seen in one look or in several. */
#ifndef SL_LEAK_CANDIDATE_H
#define SL_LEAK_CANDIDATE_H

#include <strandline/error.h>

#include "harness/leak/input.h"

/* What a thread did between the two looks after Close, without what being looked at made it do. */
struct leak_activity {
    bool known; /* false also when one look stopped the thread and did not see it go back */
    uint64_t switches, cpu_ns;
    uint64_t least_cpu_ns; /* it used, also where the rest is not known */
};

/* A thread that stayed, with what the other snapshots know about it. */
struct leak_candidate {
    const struct sl_thread *thread; /* in `settled` */
    const struct sl_thread *before; /* the same thread in an earlier look after Close, or NULL */
    const struct sl_unjoined *unjoined; /* it has ended, and this is what is left; NULL: it lives */
    struct leak_activity activity;
    uint64_t fingerprint;
    const char *library; /* file name of the library that its entry lies in, or NULL */
    const struct sl_leak_rule *library_rule; /* which says so, or NULL */
    const struct sl_leak_rule *ignored;      /* that it is known and accepted, or NULL */
    const char *process; /* what it is, when it is the process's and not the bus's; or NULL */
    bool replaced;       /* it ended with that library, which made another one instead */
    bool resident;       /* ends only with that library or the process, so that it is no leak */
};

/* Same id is not enough: the kernel reuses them.  NULL when the thread is not in the snapshot. */
const struct sl_thread *
candidate_find_same(const struct sl_snapshot *snapshot, const struct sl_thread *thread);

/*
 * Did the thread not run between the two looks, what the first one made it do aside?  false also
 * where that is not known; earlier may be NULL.
 */
bool candidate_rested(const struct sl_snapshot *earlier, const struct sl_snapshot *now,
                      const struct sl_thread *thread);

/* Its stack, or the earlier one where it could not be unwound this time. */
const struct sl_stack *candidate_stack(const struct leak_candidate *candidate);

/* Do the two looks count different things?  `earlier` may be NULL, here and below. */
bool candidate_counts_differ(const struct sl_snapshot *earlier, const struct sl_snapshot *now);

/* From one look to the other; 0 when these are not two. */
uint64_t candidate_observed_ns(const struct sl_snapshot *earlier, const struct sl_snapshot *now);

/* Find the thread in the earlier look of two, and how much it ran since. */
void candidate_compare(struct leak_candidate *candidate, const struct sl_snapshot *earlier,
                       const struct sl_snapshot *now);

/* Is the thread, or what is left of it, in the snapshot?  false, too, where that is not known. */
bool candidate_is_in(const struct sl_snapshot *snapshot, const struct leak_candidate *candidate);

/* Tell which of the candidates were replaced: as many as there are new ones of their libraries. */
void candidate_find_replaced(const struct sl_leak_input *input, struct leak_candidate *candidates,
                             size_t n_candidates);

/*
 * Threads of `settled` that are not in `start`.
 *
 * @param arena           for what the analysis wants of threads that have ended
 * @param ret_candidates  from malloc: those alive by ascending id, then those not joined
 */
SL_CHECKED enum sl_status candidate_list(const struct sl_leak_input *input, struct sl_arena *arena,
                                         struct leak_candidate **ret_candidates,
                                         size_t *ret_n_alive, size_t *ret_n_candidates,
                                         struct sl_error *err);

#endif
