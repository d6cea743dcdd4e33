/* SPDX-License-Identifier: Apache-2.0 */
/* How the two sides of a comparison differ beyond what was measured, and whether to trust them. */
#ifndef SL_REPORTS_COMPARE_SIDES_H
#define SL_REPORTS_COMPARE_SIDES_H

#include "harness/model/result.h"

/* One line each: "kernel: Linux 6.1.0, then Linux 6.5.0". */
struct sl_texts {
    struct sl_arena *arena;
    const char **texts;
    size_t n;
    bool incomplete; /* memory was short */
};

/* Machine, servers, tool: "kernel: Linux 6.1.0, then Linux 6.5.0". */
void sl_sides_compare_environment(const struct sl_run_result *base,
                                  const struct sl_run_result *head, struct sl_texts *list);

/* What a side is, in one line: file, label, commit, driver and its build, date, machine.  NULL when
   memory is short. */
const char *
sl_sides_describe(const struct sl_run_result *result, const char *name, struct sl_arena *arena);

/* Two cells of one name: "low/keyed/nats: events: 500, then 600". */
void sl_sides_compare_settings(const struct sl_cell_result *base, const struct sl_cell_result *head,
                               struct sl_texts *list);

/* "base: the run was interrupted" */
void sl_sides_doubt(const char *side, const struct sl_run_result *result, struct sl_texts *list);

#endif
