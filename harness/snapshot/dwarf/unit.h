/* SPDX-License-Identifier: Apache-2.0 */
/* Compilation units of a file, and the functions in them, by address. */
#ifndef SL_SNAPSHOT_DWARF_UNIT_H
#define SL_SNAPSHOT_DWARF_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "harness/snapshot/dwarf/debugged.h"
#include "harness/snapshot/dwarf/range.h"

struct sl_units;

struct sl_unit {
    struct sl_unit *next;
    Dwarf_Die lines; /* has the line table */
    Dwarf_Die scope; /* has the functions: the same, or its part in another file */
    struct sl_range_source ranges;
    struct sl_function_range *functions; /* ascending; made on first use */
    size_t n_functions;
    bool indexed, split;
};

/* Where an address is. */
struct sl_code_place {
    struct sl_unit *unit;
    Dwarf_Die function;
    struct sl_range range; /* of the function, around the address */
    bool has_function;     /* else no unit knows one there */
};

/* Both borrowed.  NULL: no memory. */
struct sl_units *sl_units_new(Dwarf *dwarf, const struct sl_debugged *debugged);
void sl_units_free(struct sl_units *units);

/* @param address  virtual, of the file.  @return false when no unit covers it */
bool sl_units_find(struct sl_units *units, uint64_t address, struct sl_code_place *ret_place);

#endif
