/* SPDX-License-Identifier: Apache-2.0 */
/* What tables, verdicts and comparisons need of a cell beyond its trials: a name, leak groups of
   all trials together. */
#ifndef SL_REPORTS_CELLS_H
#define SL_REPORTS_CELLS_H

#include "harness/model/result.h"

/* "in 2 of 3 trials" */
struct sl_share {
    size_t n, of;
};

/* "low/keyed/nats", with fault and claim "incident/keyed/nats/pool-not-stopped (as it was)"; NULL
   when memory is short.  Not made printable. */
const char *sl_cell_name(struct sl_arena *arena, const struct sl_cell_result *cell);

/* Order of cells by scenario, mode, transport, fault and claim label; 0: of one name. */
int sl_cell_compare(const struct sl_cell_result *a, const struct sl_cell_result *b);

/* Of all cells: trials, and leak groups of trials. */
size_t sl_cells_count_trials(const struct sl_run_result *result);
size_t sl_cells_count_groups(const struct sl_run_result *result);

/* Trials of a cell that could have seen a leak: those whose leaks are known; and of threads that
   ended without a join, those where these are, too. */
struct sl_looked {
    size_t n, n_unjoined;
};
struct sl_looked sl_cell_looked(const struct sl_cell_result *cell);
size_t sl_looked_for(const struct sl_looked *looked, const struct sl_finding *finding);

/* Groups with one fingerprint in the trials of a cell. */
struct sl_cell_group {
    const struct sl_finding *finding; /* of the trial that has most of them */
    uint32_t count;                   /* there */
    uint32_t n_trials;                /* trials that have it */
};

/*
 * Leak groups of all trials of a cell: first those that count as leaks, next those that rules
 * ignore, and by count.
 *
 * @param ret_groups  in arena
 * @return false when memory is short
 */
bool sl_cell_groups(struct sl_arena *arena, const struct sl_cell_result *cell,
                    struct sl_cell_group **ret_groups, size_t *ret_n_groups);

#endif
