/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/print.h"

#include <inttypes.h>
#include <string.h>

#include <strandline/bus_fault.h>

#include "base/utf8.h"
#include "harness/run/declaration.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/format.h"
#include "reports/print/grid.h"
#include "reports/print/wrap.h"

#define NAME_WIDTH 18

/* "    expected: ..."; nothing for NULL and "". */
static void print_line(const char *heading, const char *text)
{
    struct sl_page page = output_page(SL_COLOR_NEVER, stdout);
    SL_AUTO_FREE char *clean = text && *text ? strdup(text) : NULL;

    if (!clean)
        return;
    sl_utf8_clean(clean);
    sl_wrap_printf(&page, SL_STYLE_NONE, 2, "    %s%s", heading, clean);
}

static void print_text(const struct bus_fault_info *fault)
{
    (void) printf("%s (%s)\n", fault->name, fault->id);
    print_line("", fault->mechanism);
    if (fault->absent)
        print_line("no equivalent: ", fault->absent);
    else
        print_line("expected: ", fault->expected);
    print_line("transport: ", fault->transport);
    print_line("keys: ", fault->keys);
}

struct fault_list {
    const struct bus_fault_info *faults;
    size_t n_faults;
};

static const struct sl_field fault_fields[] = {
    SCALAR(NAME, struct bus_fault_info, name),
    SCALAR(NAME, struct bus_fault_info, id),
    SCALAR(NAME, struct bus_fault_info, mechanism),
    SCALAR(TEXT, struct bus_fault_info, expected),
    {KEYED(TEXT, struct bus_fault_info, "no_equivalent", absent)},
    SCALAR(TEXT, struct bus_fault_info, transport),
    SCALAR(TEXT, struct bus_fault_info, keys),
};
static const struct sl_object fault_object = {FIELDS(fault_fields)};
static const struct sl_layout faults_layout = {
    .what = "faults", .root = LIST(struct fault_list, NULL, faults, n_faults, fault_object)};

static const struct sl_field foreign_fields[] = {
    SCALAR(NAME, struct bus_fault_info, name),
    SCALAR(TEXT, struct bus_fault_info, mechanism),
    SCALAR(TEXT, struct bus_fault_info, keys),
};
static const struct sl_object foreign_object = {FIELDS(foreign_fields)};
static const struct sl_layout foreign_layout = {
    .what = "faults", .root = LIST(struct fault_list, NULL, faults, n_faults, foreign_object)};

/* @return exit status */
static int print_list(const struct sl_command *command, const struct sl_layout *layout,
                      const struct bus_fault_info *faults, size_t n)
{
    const struct fault_list list = {.faults = faults, .n_faults = n};
    struct sl_error err = {0};

    if (sl_layout_print(layout, &list, stdout, &err))
        return command_error(command, &err, SL_EXIT_UNMEASURED);
    return SL_EXIT_OK;
}

static int print_json(const struct sl_command *command)
{
    const struct bus_fault_info *faults = bus_faults();
    size_t n = 0;

    while (faults[n].name)
        n++;
    return print_list(command, &faults_layout, faults, n);
}

static void print_foreign_text(const struct sl_declaration *driver)
{
    if (!(driver->declares & SL_DECLARES_FAULTS))
        sl_utf8_printf(stdout,
                       "driver '%s' does not declare its faults; --fault is passed on to it\n",
                       driver->name);
    else if (!driver->n_faults)
        sl_utf8_printf(stdout, "driver '%s' has no faults\n", driver->name);
    for (uint32_t i = 0; i < driver->n_faults; i++) {
        sl_utf8_printf(stdout, "%s\n", driver->faults[i].name);
        print_line("", driver->faults[i].text);
        print_line("keys: ", driver->faults[i].keys);
    }
}

/* null where the driver does not say. */
static int print_foreign_json(const struct sl_command *command, const struct sl_declaration *driver)
{
    struct bus_fault_info faults[SL_DECLARED_FAULTS] = {0};

    if (!(driver->declares & SL_DECLARES_FAULTS)) {
        (void) puts("null");
        return SL_EXIT_OK;
    }
    for (uint32_t i = 0; i < driver->n_faults; i++)
        faults[i] = (struct bus_fault_info){.name = driver->faults[i].name,
                                            .mechanism = driver->faults[i].text,
                                            .keys = driver->faults[i].keys};
    return print_list(command, &foreign_layout, faults, driver->n_faults);
}

int print_faults(const struct run_request *request)
{
    const struct sl_declaration *foreign =
        request->opts.bus.driver_path ? request->opts.bus.declaration : NULL;

    if (foreign && request->json)
        return print_foreign_json(request->command, foreign);
    if (request->json)
        return print_json(request->command);
    if (foreign)
        print_foreign_text(foreign);
    else
        for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
            print_text(fault);
    return SL_EXIT_OK;
}

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
        char *description = sl_format_printable(request->arena, scenario->description);
        int printed = printf("  %-*s ", NAME_WIDTH, scenario->name);
        sl_wrap_after(&page, SL_STYLE_NONE, (size_t) SL_MAX(printed, 0), NAME_WIDTH + 3,
                      description ? description : "");
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
    char *text = sl_format_printable(arena, fault ? fault : "-");

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
            sl_format_printable(request->arena, cell->transport),
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
