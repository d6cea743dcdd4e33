/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/print_faults.h"

#include <jansson.h>

#include <strandline/bus.h>

#include "harness/cli/cli.h"

static void print_text(const struct bus_fault_info *fault)
{
    (void) printf("%s (%s)\n", fault->name, fault->id);
    (void) printf("    %s\n", fault->mechanism);
    if (fault->absent)
        (void) printf("    no equivalent: %s\n", fault->absent);
    else
        (void) printf("    expected: %s\n", fault->expected);
    if (fault->transport)
        (void) printf("    transport: %s\n", fault->transport);
    if (fault->keys)
        (void) printf("    keys: %s\n", fault->keys);
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
    complete = complete && json_dumpf(list, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(list);
    if (complete)
        return SL_EXIT_OK;
    (void) fputs("strandline run: cannot print the faults\n", stderr);
    return SL_EXIT_UNMEASURED;
}

int print_faults(bool json)
{
    if (json)
        return print_json();
    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
        print_text(fault);
    return SL_EXIT_OK;
}
