/* SPDX-License-Identifier: Apache-2.0 */
/* How threads grew over the cycles of a trial, in words. */
#ifndef SL_REPORTS_PRINT_CYCLES_H
#define SL_REPORTS_PRINT_CYCLES_H

#include "harness/model/result.h"
#include "reports/page.h"

/* "+1 thread per cycle (1, 2, 3)"; NULL when memory is short. */
const char *sl_cycles_say(struct sl_arena *arena, const struct sl_cycle_group *group);

/* A line for each trial that had cycles, and one for each group that grew in it. */
void sl_cycles_print(const struct sl_page *page, const struct sl_run_result *result);

#endif
