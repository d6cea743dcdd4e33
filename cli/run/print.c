/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/print.h"

#include <inttypes.h>
#include <string.h>

#include <strandline/bus_fault.h>

#include "harness/run/declaration.h"
#include "reports/print/grid.h"
#include "reports/print/wrap.h"

#define NAME_WIDTH 18

int print_scenarios(const struct run_request *request)
{
    SL_AUTO(sl_scenario_list) struct sl_scenario_list *list = NULL;
    struct sl_page page = output_page(request->color, stdout);
    struct sl_error err = {0};

    if (sl_scenario_list(NULL, &list, &err))
        return command_error(request->command, &err, SL_EXIT_USAGE);
    (void) puts("scenarios:");
    for (size_t i = 0; i < list->n_scenarios; i++) {
        const struct sl_scenario *scenario = list->scenarios[i];
        int printed = printf("  %-*s ", NAME_WIDTH, scenario->name);
        sl_wrap_after(&page, SL_STYLE_NONE, (size_t) SL_MAX(printed, 0), NAME_WIDTH + 3,
                      scenario->description);
    }
    (void) puts("\nfaults:");
    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
        if (!fault->absent)
            (void) printf("  %s\n", fault->name);
    (void) puts("\n'strandline run --list-faults' explains them.");
    return SL_EXIT_OK;
}

/* Workers of a cell's pool: 0 leaves their number to the bus. */
static const char *workers_text(const struct run_request *request, const struct sl_run_cell *cell)
{
    if (sl_declaration_without(request->opts.bus.declaration, SL_SETTING_WORKERS))
        return "-";
    if (!cell->pool.workers)
        return "default";
    return sl_arena_printf(request->arena, "%" PRIu32, cell->pool.workers);
}

/* The comma-separated faults one below the other: their names are long. */
static const char *fault_lines(struct sl_arena *arena, const char *fault)
{
    char *text = sl_arena_strdup(arena, fault ? fault : "-");

    for (char *comma = text; comma && (comma = strchr(comma, ','));)
        *comma = '\n';
    return text;
}

int print_plan(const struct run_request *request, const struct sl_run_plan *plan)
{
    static const char *const headings[] = {"scenario", "mode",   "transport", "events",
                                           "workers",  "trials", "faults"};
    struct sl_page page = output_page(request->color, stdout);
    struct sl_error err = {0};
    struct sl_grid grid;

    if (!sl_grid_init(&grid, request->arena, plan->n_cells + 1, SL_COUNT_OF(headings)))
        return command_error(request->command, &err, SL_EXIT_UNMEASURED);
    for (size_t i = 0; i < SL_COUNT_OF(headings); i++)
        sl_grid_set(&grid, 0, i, headings[i], SL_STYLE_NONE);
    grid.left[1] = grid.left[2] = grid.left[6] = true;
    for (size_t i = 0; i < plan->n_cells; i++) {
        const struct sl_run_cell *cell = &plan->cells[i];
        const char *texts[] = {
            cell->scenario->name,
            sl_mode_text(cell->mode),
            cell->transport,
            sl_arena_printf(request->arena, "%" PRIu32, cell->scenario->load.events),
            workers_text(request, cell),
            sl_arena_printf(request->arena, "%" PRIu32, cell->trials),
            fault_lines(request->arena, cell->fault),
        };
        for (size_t j = 0; j < SL_COUNT_OF(texts); j++)
            sl_grid_set(&grid, i + 1, j, texts[j], SL_STYLE_NONE);
    }
    sl_grid_print(&grid, &page);
    return SL_EXIT_OK;
}
