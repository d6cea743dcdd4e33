/* SPDX-License-Identifier: Apache-2.0 */
/* Why a cluster is still there. */
#ifndef SL_LEAK_CAUSE_H
#define SL_LEAK_CAUSE_H

#include "harness/leak/cluster.h"

/* First rule that applies.  Evidence lives in the case's arena. */
SL_CHECKED enum sl_status
sl_leak_explain(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster,
                enum sl_cause *ret_cause, const char **ret_evidence, struct sl_error *err);

#endif
