/* SPDX-License-Identifier: Apache-2.0 */
/* The leaks of a result with one line each: what, why, where, how often, and whether it is new. */
#ifndef SL_REPORTS_PRINT_LEAK_LINES_H
#define SL_REPORTS_PRINT_LEAK_LINES_H

#include "reports/cells.h"
#include "reports/page.h"
#include "reports/verdict.h"

/* A leak of a cell. */
struct sl_leak_line {
    const struct sl_cell_result *cell;
    const struct sl_finding *finding;
    uint32_t count;         /* most in a trial */
    struct sl_share trials; /* that have it, of those that could see it */
    struct sl_value known;  /* most in a trial of the baseline; missing without a baseline */
    enum sl_maybe is_new;   /* not in the baseline */
    bool grew;              /* more than the baseline allows, if that allows so many only */
    /* Where people look for it: the frame that gave the group its name, else one with a line. */
    const char *module, *file; /* NULL: not known */
    struct sl_value line;
};

/* In arena, in the order of the cells.  @return false when memory is short */
bool sl_leak_lines_make(const struct sl_run_result *result, const struct sl_policy *policy,
                        struct sl_arena *arena, struct sl_leak_line **ret_lines,
                        size_t *ret_n_lines);

/* @return false when memory is short */
bool sl_leak_lines_print(const struct sl_page *page, const struct sl_run_result *result,
                         const struct sl_policy *policy);

#endif
