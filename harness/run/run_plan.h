/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a run: which cells, with which settings, in which order. */
#ifndef SL_RUN_RUN_PLAN_H
#define SL_RUN_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "scenarios/scenario.h"

/* One cell: scenario x mode x transport x fault, settings resolved. */
struct sl_run_cell {
    const struct sl_scenario *scenario; /* borrowed */
    const struct sl_variant *variant;   /* borrowed; NULL when the cell is a plain mode */
    enum sl_mode mode;
    struct sl_pool_settings pool;
    const char *transport;
    const char *fault; /* NULL: none */
    bool planted;      /* the driver is that of the control, which plants what `fault` names */
    uint32_t trials;
};

struct sl_run_plan {
    const struct sl_run_cell *cells; /* cells of one scenario stand together */
    size_t n_cells;
};

struct sl_run_plan_opts {
    const char *const *transports; /* at least one */
    size_t n_transports;
    bool mode_given; /* false: the modes that the scenario plays */
    bool modes[SL_N_MODES];
    /* Without mode_given: modes that the driver has, where it says so.  A scenario that plays none
       of them is played in driver_mode. */
    bool modes_declared;
    bool driver_modes[SL_N_MODES];
    enum sl_mode driver_mode;
    const char *fault; /* replaces a variant's faults; NULL: the scenario's */
    uint32_t trials;   /* 0: the scenario's */
};

/**
 * Lay out the cells of some scenarios.
 *
 * A scenario with variants is played as those variants, filtered by mode; any
 * other one mode by mode.
 *
 * @param scenarios  borrowed until the plan is done with
 * @param arena      owns the cells
 * @return SL_EINVAL when a scenario is left without a cell
 */
SL_CHECKED enum sl_status sl_run_plan_make(const struct sl_scenario *const *scenarios,
                                           size_t n_scenarios, const struct sl_run_plan_opts *opts,
                                           struct sl_arena *arena, struct sl_run_plan *ret_plan,
                                           struct sl_error *err);

#endif
