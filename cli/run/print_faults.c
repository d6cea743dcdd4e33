/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/print_faults.h"

#include <jansson.h>

#include <strandline/bus.h>

#include "cli/options/command.h"
#include "cli/options/output.h"
#include "reports/print/wrap.h"

/* "    expected: ..."; nothing for NULL and "". */
static void print_line(const char *heading, const char *text)
{
    struct sl_table_opts opts = output_table_opts(SL_COLOR_NEVER, stdout);
    if (text && *text)
        sl_wrap_printf(SL_STYLE_NONE, &opts, stdout, 2, "    %s%s", heading, text);
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

/* Takes the list.  @return exit status */
static int print_list(json_t *list, bool complete)
{
    complete = complete && json_dumpf(list, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0 &&
               putchar('\n') != EOF;
    json_decref(list);
    if (complete)
        return SL_EXIT_OK;
    (void) fputs("strandline run: cannot print the faults\n", stderr);
    return SL_EXIT_UNMEASURED;
}

static int print_json(void)
{
    json_t *list = json_array();
    bool complete = list != NULL;

    for (const struct bus_fault_info *fault = bus_faults(); fault->name && complete; fault++)
        complete = json_array_append_new(
                       list, json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "name",
                                       fault->name, "id", fault->id, "mechanism", fault->mechanism,
                                       "expected", fault->expected, "no_equivalent", fault->absent,
                                       "transport", fault->transport, "keys", fault->keys)) == 0;
    return print_list(list, complete);
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
static int print_foreign_json(const struct sl_declaration *driver)
{
    bool declared = driver->declares & SL_DECLARES_FAULTS;
    json_t *list = declared ? json_array() : json_null();
    bool complete = list != NULL;

    for (uint32_t i = 0; i < driver->n_faults && complete; i++) {
        const char *keys = driver->faults[i].keys, *text = driver->faults[i].text;
        complete =
            json_array_append_new(
                list, json_pack("{s:s, s:s?, s:s?}", "name", driver->faults[i].name, "mechanism",
                                *text ? text : NULL, "keys", *keys ? keys : NULL)) == 0;
    }
    return print_list(list, complete);
}

int print_faults(const struct sl_declaration *foreign, bool json)
{
    if (foreign && json)
        return print_foreign_json(foreign);
    if (foreign) {
        print_foreign_text(foreign);
        return SL_EXIT_OK;
    }
    if (json)
        return print_json();
    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
        print_text(fault);
    return SL_EXIT_OK;
}
