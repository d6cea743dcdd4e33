/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/print_faults.h"

#include <strandline/bus_fault.h>

#include "cli/options/command.h"
#include "cli/options/output.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/print/wrap.h"

/* "    expected: ..."; nothing for NULL and "". */
static void print_line(const char *heading, const char *text)
{
    struct sl_page page = output_page(SL_COLOR_NEVER, stdout);
    if (text && *text)
        sl_wrap_printf(&page, SL_STYLE_NONE, 2, "    %s%s", heading, text);
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
        (void) printf("driver '%s' does not declare its faults; --fault is passed on to it\n",
                      driver->name);
    else if (!driver->n_faults)
        (void) printf("driver '%s' has no faults\n", driver->name);
    for (uint32_t i = 0; i < driver->n_faults; i++) {
        (void) printf("%s\n", driver->faults[i].name);
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

int print_faults(const struct sl_command *command, const struct sl_declaration *foreign, bool json)
{
    if (foreign && json)
        return print_foreign_json(command, foreign);
    if (foreign) {
        print_foreign_text(foreign);
        return SL_EXIT_OK;
    }
    if (json)
        return print_json(command);
    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
        print_text(fault);
    return SL_EXIT_OK;
}
