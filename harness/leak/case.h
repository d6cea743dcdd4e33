/* SPDX-License-Identifier: Apache-2.0 */
/* What every rule for a cause may look at. */
#ifndef SL_LEAK_CASE_H
#define SL_LEAK_CASE_H

#include "harness/leak/cluster.h"
#include "harness/model/wait_tree.h"

struct leak_case {
    const struct sl_leak_input *input;       /* NULL: threads are only described */
    const struct sl_snapshot *snapshot;      /* what the threads were seen in last */
    const struct sl_snapshot *earlier;       /* another look before it, or NULL */
    const struct leak_candidate *candidates; /* that stayed, ascending id, then */
    size_t n_alive, n_candidates;            /* such as ended and were not joined */
    const struct leak_clusters *clusters;    /* of all these */
    struct sl_wait_graph graph;              /* of all threads of the snapshot */
    struct sl_leak_words words;              /* complete, but for `strict` */
    struct sl_fact not_closed;               /* why Close had no effect; or SL_FACT_NONE */
    uint32_t survivors;     /* threads at peak beyond `start`, when none has ended; else 0 */
    uint64_t observed_ns;   /* between the two looks after Close; 0: there was one */
    bool counts_differ;     /* the two looks counted different things */
    struct sl_arena *arena; /* for the findings */
};

#endif
