/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include <strandline/bus.h>

#include "bus/fault.h"

SL_TEST(bus_fault, no_name_is_no_fault)
{
    struct sl_error err = {0};
    fault_set faults = 7;
    sl_assert_ok(fault_parse(NULL, &faults, &err), &err);
    cr_assert_eq(faults, 0);
    faults = 7;
    sl_assert_ok(fault_parse("", &faults, &err), &err);
    cr_assert_eq(faults, 0);
}

SL_TEST(bus_fault, every_listed_name_is_accepted_and_described)
{
    for (const struct bus_fault_info *info = bus_faults(); info->name; info++) {
        struct sl_error err = {0};
        fault_set faults = 0;
        sl_assert_ok(fault_parse(info->name, &faults, &err), &err);
        cr_assert_eq(faults, 1u << (info - bus_faults()));
        cr_assert_gt(strlen(info->text), 0);
    }
}

SL_TEST(bus_fault, an_unknown_name_is_refused_wherever_it_stands)
{
    static const char *const names[] = {"no-such", ",", "no-such,", " close-skipped"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct sl_error err = {0};
        fault_set faults = 42;
        sl_assert_fails(fault_parse(names[i], &faults, &err), SL_ENOTSUP, &err, "'");
        cr_assert_eq(faults, 42);
    }
}

SL_TEST(bus_fault, names_are_separated_by_commas)
{
    struct sl_error err = {0};
    fault_set faults = 0;
    if (!bus_faults()->name) {
        sl_assert_fails(fault_parse("close-skipped", &faults, &err), SL_ENOTSUP, &err,
                        "built without faults");
        return;
    }
    sl_assert_ok(fault_parse("pool-not-stopped,orphan-fetcher", &faults, &err), &err);
    cr_assert_eq(faults, 1u << FAULT_POOL_NOT_STOPPED | 1u << FAULT_ORPHAN_FETCHER);
    sl_assert_fails(fault_parse("pool-not-stopped,no-such", &faults, &err), SL_ENOTSUP, &err,
                    "'no-such'");
}
