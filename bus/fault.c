/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault.h"

#include <string.h>

#include <strandline/bus.h>

#include "base/fail.h"

static const struct bus_fault_info infos[] = {
#ifdef BUS_FAULTS
#define X(name, text, description) {(text), (description)},
    FAULT_MAP(X)
#undef X
#endif
        {NULL, NULL}};

const struct bus_fault_info *bus_faults(void)
{
    return infos;
}

/* Index of a name in the table, or -1. */
static int find(const char *name, size_t size)
{
    for (int i = 0; infos[i].name; i++) {
        if (strlen(infos[i].name) == size && memcmp(infos[i].name, name, size) == 0)
            return i;
    }
    return -1;
}

enum sl_status fault_parse(const char *names, fault_set *ret_faults, struct sl_error *err)
{
    fault_set faults = 0;

    if (!names || !*names) {
        *ret_faults = 0;
        return SL_OK;
    }
    for (const char *name = names;; name++) {
        size_t size = strcspn(name, ",");
        int fault = find(name, size);
        if (fault < 0 && !infos[0].name)
            return sl_fail(err, SL_ENOTSUP, "cannot inject '%.*s': built without faults",
                           (int) size, name);
        if (fault < 0)
            return sl_fail(err, SL_ENOTSUP, "no such fault '%.*s'", (int) size, name);
        faults |= (fault_set) 1 << fault;
        name += size;
        if (!*name)
            break;
    }
    *ret_faults = faults;
    return SL_OK;
}
