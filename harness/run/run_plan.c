/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/run_plan.h"

#include "base/fail.h"
#include "base/grow.h"

struct builder {
    const struct sl_run_plan_opts *opts;
    struct sl_run_cell *cells;
    size_t n_cells, capacity;
};

/* Fields that the first leaves at 0 come from the second. */
static struct sl_pool_settings
merge_pool(const struct sl_pool_settings *over, const struct sl_pool_settings *under)
{
    return (struct sl_pool_settings){
        .workers = over->workers ? over->workers : under->workers,
        .queue = over->queue ? over->queue : under->queue,
        .enqueue_wait_ns = over->enqueue_wait_ns ? over->enqueue_wait_ns : under->enqueue_wait_ns,
        .stack_size = over->stack_size ? over->stack_size : under->stack_size,
    };
}

static bool add_cell(struct builder *builder, const struct sl_run_cell *cell)
{
    if (!sl_grow(&builder->cells, &builder->capacity, builder->n_cells + 1))
        return false;
    builder->cells[builder->n_cells++] = *cell;
    return true;
}

static bool
is_wanted(const struct builder *builder, const struct sl_scenario *scenario, enum sl_mode mode)
{
    const struct sl_run_plan_opts *opts = builder->opts;
    bool has_some = false;

    if (opts->mode_given)
        return opts->modes[mode];
    if (!opts->modes_declared)
        return scenario->modes[mode];
    for (int i = 0; i < SL_N_MODES; i++)
        has_some |= scenario->modes[i] && opts->driver_modes[i];
    return has_some ? scenario->modes[mode] && opts->driver_modes[mode] : mode == opts->driver_mode;
}

static bool add_modes(struct builder *builder, struct sl_run_cell cell)
{
    cell.fault = builder->opts->fault;
    for (int mode = 0; mode < SL_N_MODES; mode++) {
        if (!is_wanted(builder, cell.scenario, (enum sl_mode) mode))
            continue;
        cell.mode = (enum sl_mode) mode;
        cell.pool = cell.scenario->pools[mode];
        if (!add_cell(builder, &cell))
            return false;
    }
    return true;
}

static bool add_variants(struct builder *builder, struct sl_run_cell cell)
{
    for (size_t i = 0; i < cell.scenario->n_variants; i++) {
        const struct sl_variant *variant = &cell.scenario->variants[i];
        if (builder->opts->mode_given && !builder->opts->modes[variant->mode])
            continue;
        cell.variant = variant;
        cell.mode = variant->mode;
        cell.pool = merge_pool(&variant->pool, &cell.scenario->pools[variant->mode]);
        cell.fault = builder->opts->fault ? builder->opts->fault
                     : variant->fault[0]  ? variant->fault
                                          : NULL;
        if (!add_cell(builder, &cell))
            return false;
    }
    return true;
}

static enum sl_status
add_scenario(struct builder *builder, const struct sl_scenario *scenario, struct sl_error *err)
{
    const struct sl_run_plan_opts *opts = builder->opts;
    size_t before = builder->n_cells;

    for (size_t i = 0; i < opts->n_transports; i++) {
        struct sl_run_cell cell = {
            .scenario = scenario,
            .transport = opts->transports[i],
            .trials = opts->trials ? opts->trials : scenario->trials,
        };
        bool added = scenario->n_variants ? add_variants(builder, cell) : add_modes(builder, cell);
        if (!added)
            return sl_fail(err, SL_ENOMEM, "out of memory for the plan");
    }
    if (builder->n_cells == before)
        return sl_fail(err, SL_EINVAL, "scenario '%s' has no cell in the modes asked for",
                       scenario->name);
    return SL_OK;
}

enum sl_status sl_run_plan_make(const struct sl_scenario *const *scenarios, size_t n_scenarios,
                                const struct sl_run_plan_opts *opts, struct sl_arena *arena,
                                struct sl_run_plan *ret_plan, struct sl_error *err)
{
    struct builder builder = {.opts = opts};
    SL_AUTO_FREE struct sl_run_cell *scratch = NULL;

    for (size_t i = 0; i < n_scenarios; i++) {
        enum sl_status status = add_scenario(&builder, scenarios[i], err);
        scratch = builder.cells; /* may have moved */
        if (status)
            return status;
    }
    struct sl_run_cell *cells = sl_arena_array(arena, builder.n_cells, sizeof *cells);
    if (!cells)
        return sl_fail(err, SL_ENOMEM, "out of memory for the plan");
    for (size_t i = 0; i < builder.n_cells; i++)
        cells[i] = builder.cells[i];
    *ret_plan = (struct sl_run_plan){.cells = cells, .n_cells = builder.n_cells};
    return SL_OK;
}
