/* SPDX-License-Identifier: Apache-2.0 */
/* What threads that stayed cost. */
#ifndef SL_LEAK_COST_H
#define SL_LEAK_COST_H

#include "harness/leak/case.h"

/* Of all threads of a cluster together.  What is not known of one of them is not known. */
SL_CHECKED enum sl_status cost_of_cluster(const struct leak_case *the_case,
                                          const struct leak_cluster *cluster,
                                          struct sl_leak_cost *ret_cost, struct sl_error *err);

#endif
