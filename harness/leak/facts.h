/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of the threads of a cluster, as facts in the order in which they are told. */
#ifndef SL_LEAK_FACTS_H
#define SL_LEAK_FACTS_H

#include "harness/leak/case.h"

#define FACTS_MAX 32

struct leak_facts {
    struct sl_fact list[FACTS_MAX];
    size_t n;
};

/* There is room for all that the functions below add, once each.  What finds none is dropped; what
   proves the cause is told first.  A text that could not be had for want of memory is NULL, and
   makes the sentence NULL. */
void facts_add(struct leak_facts *facts, struct sl_fact fact);

/* What they wait for, each kind of wait with its number. */
void facts_add_waits(const struct leak_case *the_case, const struct leak_cluster *cluster,
                     struct leak_facts *facts);

/* Who holds the locks that they wait for, or is joined. */
void facts_add_owners(const struct leak_case *the_case, const struct leak_cluster *cluster,
                      struct leak_facts *facts);

/* That so many of them wait in circles, and each wait of the circle of a thread of the snapshot. */
void facts_add_circle(const struct leak_case *the_case, uint32_t thread, uint32_t n_within,
                      struct leak_facts *facts);

/* That none of them ran between the two looks. */
void facts_add_idle(const struct leak_case *the_case, const struct leak_cluster *cluster,
                    struct leak_facts *facts);

/* How much they ran between the two looks, without what being looked at made them do. */
void facts_add_activity(const struct leak_case *the_case, const struct leak_cluster *cluster,
                        struct leak_facts *facts);

/* That together they used so much CPU time, at least. */
void facts_add_least_cpu(const struct leak_case *the_case, const struct leak_cluster *cluster,
                         uint64_t least_ns, struct leak_facts *facts);

/* What else is known: why there is no stack, that a library's shutdown changed nothing, and that
   Close ended nobody. */
void facts_add_circumstances(const struct leak_case *the_case, const struct leak_cluster *cluster,
                             struct leak_facts *facts);

#endif
