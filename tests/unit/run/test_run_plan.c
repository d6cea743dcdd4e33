/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/run/run_plan.h"
#include "sl_alloc.h"

static const char *const transports[] = {"memory", "nats"};

/* Two modes, with settings of their own. */
static struct sl_scenario plain(void)
{
    return (struct sl_scenario){
        .name = "plain",
        .trials = 3,
        .modes = {[SL_MODE_KEYED] = true, [SL_MODE_DIRECT] = true},
        .pools = {[SL_MODE_KEYED] = {.workers = 4, .queue = 5}, [SL_MODE_UNIFIED] = {.workers = 7}},
    };
}

struct planned {
    struct sl_arena *arena;
    struct sl_run_plan plan;
};

static void planned_release(struct planned *planned)
{
    sl_arena_free(planned->arena);
}

static struct planned
plan_of(const struct sl_scenario *scenario, const struct sl_run_plan_opts *opts)
{
    struct planned planned = {.arena = sl_arena_new()};
    struct sl_error err = {0};
    sl_assert_ok(sl_run_plan_make(&scenario, 1, opts, planned.arena, &planned.plan, &err), &err);
    return planned;
}
#define PLAN(name, scenario, opts)                                                                 \
    SL_CLEANUP(planned_release) struct planned name = plan_of(scenario, opts)

SL_TEST(run_plan, a_scenario_is_played_in_each_of_its_modes_over_each_transport)
{
    const struct sl_scenario scenario = plain();
    const struct sl_run_plan_opts opts = {.transports = transports, .n_transports = 2};
    PLAN(planned, &scenario, &opts);

    cr_assert_eq(planned.plan.n_cells, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct sl_run_cell *cell = &planned.plan.cells[i];
        cr_assert_eq(cell->scenario, &scenario);
        cr_assert_null(cell->variant);
        cr_assert_null(cell->fault);
        cr_assert_eq(cell->trials, 3);
        cr_assert_str_eq(cell->transport, transports[i / 2]);
        cr_assert_eq(cell->mode, i % 2 ? SL_MODE_DIRECT : SL_MODE_KEYED);
        cr_assert_eq(cell->pool.workers, i % 2 ? 0 : 4);
    }
}

SL_TEST(run_plan, what_is_asked_for_comes_before_what_the_scenario_says)
{
    const struct sl_scenario scenario = plain();
    const struct sl_run_plan_opts opts = {.transports = transports,
                                          .n_transports = 1,
                                          .mode_given = true,
                                          .modes = {[SL_MODE_UNIFIED] = true},
                                          .fault = "leak",
                                          .trials = 9};
    PLAN(planned, &scenario, &opts);

    cr_assert_eq(planned.plan.n_cells, 1);
    cr_assert_eq(planned.plan.cells[0].mode, SL_MODE_UNIFIED);
    cr_assert_eq(planned.plan.cells[0].pool.workers, 7);
    cr_assert_eq(planned.plan.cells[0].trials, 9);
    cr_assert_str_eq(planned.plan.cells[0].fault, "leak");
}

SL_TEST(run_plan, of_the_modes_those_that_the_driver_has_are_played_or_else_its_own)
{
    const struct sl_scenario scenario = plain();
    struct sl_run_plan_opts opts = {
        .transports = transports,
        .n_transports = 1,
        .modes_declared = true,
        .driver_modes = {[SL_MODE_UNIFIED] = true, [SL_MODE_DIRECT] = true},
        .driver_mode = SL_MODE_UNIFIED};
    {
        PLAN(planned, &scenario, &opts);
        cr_assert_eq(planned.plan.n_cells, 1);
        cr_assert_eq(planned.plan.cells[0].mode, SL_MODE_DIRECT);
    }
    opts.driver_modes[SL_MODE_DIRECT] = false;
    PLAN(planned, &scenario, &opts);
    cr_assert_eq(planned.plan.n_cells, 1);
    cr_assert_eq(planned.plan.cells[0].mode, SL_MODE_UNIFIED);
}

SL_TEST(run_plan, variants_take_what_they_do_not_set_from_their_mode)
{
    struct sl_variant variants[] = {
        {.name = "a", .mode = SL_MODE_KEYED, .pool = {.workers = 9, .stack_size = 65536}},
        {.name = "b",
         .mode = SL_MODE_UNIFIED,
         .pool = {.queue = 2, .enqueue_wait_ns = 6},
         .fault = "slow"},
    };
    struct sl_scenario scenario = plain();
    scenario.variants = variants;
    scenario.n_variants = 2;
    struct sl_run_plan_opts opts = {.transports = transports, .n_transports = 1};
    {
        PLAN(planned, &scenario, &opts);
        const struct sl_run_cell *cells = planned.plan.cells;
        cr_assert_eq(planned.plan.n_cells, 2);
        cr_assert_eq(cells[0].variant, &variants[0]);
        cr_assert_eq(cells[0].mode, SL_MODE_KEYED);
        cr_assert(cells[0].pool.workers == 9 && cells[0].pool.queue == 5);
        cr_assert_eq(cells[0].pool.stack_size, 65536);
        cr_assert_null(cells[0].fault);
        cr_assert_eq(cells[1].mode, SL_MODE_UNIFIED);
        cr_assert(cells[1].pool.workers == 7 && cells[1].pool.queue == 2);
        cr_assert_eq(cells[1].pool.enqueue_wait_ns, 6);
        cr_assert_str_eq(cells[1].fault, "slow");
    }
    opts.mode_given = true;
    opts.modes[SL_MODE_UNIFIED] = true;
    opts.fault = "leak";
    PLAN(planned, &scenario, &opts);
    cr_assert_eq(planned.plan.n_cells, 1);
    cr_assert_eq(planned.plan.cells[0].variant, &variants[1]);
    cr_assert_str_eq(planned.plan.cells[0].fault, "leak");
}

SL_TEST(run_plan, a_scenario_without_a_cell_is_refused)
{
    struct sl_variant variant = {.name = "a", .mode = SL_MODE_KEYED};
    struct sl_scenario scenario = plain();
    const struct sl_scenario *one = &scenario;
    const struct sl_run_plan_opts opts = {.transports = transports,
                                          .n_transports = 1,
                                          .mode_given = true,
                                          .modes = {[SL_MODE_DIRECT] = true}};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_run_plan plan = {.n_cells = 77};
    struct sl_error err = {0};

    scenario.variants = &variant;
    scenario.n_variants = 1;
    sl_assert_fails(sl_run_plan_make(&one, 1, &opts, arena, &plan, &err), SL_EINVAL, &err,
                    "scenario 'plain' has no cell in the modes asked for");
    cr_assert_eq(plan.n_cells, 77);
}

static enum sl_status attempt_to_plan(void *user, struct sl_error *err)
{
    const struct sl_scenario scenario = plain();
    const struct sl_scenario *const many[] = {&scenario, &scenario, &scenario, &scenario,
                                              &scenario, &scenario, &scenario, &scenario};
    const struct sl_run_plan_opts opts = {.transports = transports, .n_transports = 2};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_run_plan plan;

    (void) user;
    if (!arena)
        return sl_fail(err, SL_ENOMEM, "out of memory for an arena");
    return sl_run_plan_make(many, SL_COUNT_OF(many), &opts, arena, &plan, err);
}

SL_TEST(run_plan, memory_that_is_short_is_told)
{
    cr_assert_geq(sl_alloc_fail_each(SL_ALLOC_ONE, attempt_to_plan, NULL), 3);
}
