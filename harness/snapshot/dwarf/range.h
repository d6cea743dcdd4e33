/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address ranges of a unit, function or block, from its DIE.
 *
 * libdw reads these too, but not of split units: there it has to open the other file by
 * itself, wherever the target's file says that it is, and knows no packages (.dwp).
 */
#ifndef SL_SNAPSHOT_DWARF_RANGE_H
#define SL_SNAPSHOT_DWARF_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "harness/snapshot/module/bytes.h"

struct sl_range {
    uint64_t start, end;
};

/* What ranges are made of, in one file. */
struct sl_range_sections {
    struct sl_bytes info, addresses;
    struct sl_bytes pairs; /* up to DWARF 4 */
    struct sl_bytes lists; /* since DWARF 5 */
};

/* What the ranges of a unit are expressed in. */
struct sl_range_source {
    uint16_t version;
    uint8_t offset_size;
    struct sl_bytes info;      /* the section that has the unit */
    struct sl_bytes addresses; /* what its indices of addresses count in */
    struct sl_bytes lists;     /* .debug_ranges or .debug_rnglists */
    uint64_t lists_base;       /* what its offsets, or indices, of lists are relative to */
    uint64_t base;             /* address that its lists are relative to */
    uint64_t *budget;          /* entries of lists that may still be read, of all units */
};

struct sl_range_walk {
    const struct sl_range_source *source;
    struct sl_bytes list;
    struct sl_range single;
    uint64_t base;
};

struct sl_range_sections sl_range_sections_of(Dwarf *dwarf);

/* First byte after a unit, and in the section: headers may say more.  NULL when not there. */
const uint8_t *sl_unit_end(Dwarf_CU *cu, struct sl_bytes info);

/* Source of a unit that holds all of its own, or of a skeleton. */
struct sl_range_source
sl_range_source_of(const struct sl_range_sections *sections, Dwarf_Die *unit, uint64_t *budget);

/* Make it that of a split unit. */
void sl_range_source_split(struct sl_range_source *source, Dwarf_Die *skeleton, Dwarf_Die *split);

/* An offset, an index or a constant of a DIE in the unit; false when it has none. */
bool sl_die_number(const struct sl_range_source *source, Dwarf_Die *die, unsigned name,
                   uint64_t *ret_value);

struct sl_range_walk sl_ranges_of(const struct sl_range_source *source, Dwarf_Die *die);
bool sl_ranges_next(struct sl_range_walk *walk, struct sl_range *ret_range);

/* Length of the range that holds the address, 0 when none does. */
uint64_t sl_ranges_cover(const struct sl_range_source *source, Dwarf_Die *die, uint64_t address);

#endif
