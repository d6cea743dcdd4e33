/* SPDX-License-Identifier: Apache-2.0 */
/* Why a cluster is still there. */
#ifndef SL_LEAK_CAUSE_H
#define SL_LEAK_CAUSE_H

#include "harness/leak/case.h"

/* Is it known to wait for room in the queue of the rule, and did nobody make any? */
bool cause_is_in_queue(const struct sl_leak_rule *rule, const struct leak_candidate *candidate);

/* Fill cause, facts and evidence by the first rule that applies, in the order of SL_CAUSE_MAP. */
SL_CHECKED enum sl_status cause_explain(const struct leak_case *the_case,
                                        const struct leak_cluster *cluster,
                                        struct sl_finding *finding, struct sl_error *err);

#endif
