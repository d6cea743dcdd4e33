/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/unit.h"

#include <stdlib.h>

#include <dwarf.h>

#include "base/grow.h"
#include "base/search.h"
#include "harness/snapshot/dwarf/die.h"
#include "harness/snapshot/dwarf/split.h"

#define MAX_RANGES ((uint64_t) 1 << 26) /* of a file: more than the largest programs have */

/* Address range of a function. */
struct sl_function_range {
    uint64_t start, end;
    uint64_t reach; /* highest end among this and all before it */
    Dwarf_Die die;
};

/* Address range of a unit. */
struct unit_range {
    uint64_t start, end;
    uint64_t reach;
    Dwarf_Off offset; /* of the unit's DIE */
};

struct sl_units {
    Dwarf *dwarf;
    const struct sl_debugged *debugged;
    struct sl_range_sections sections;
    struct sl_unit *list; /* that were asked for */
    struct sl_split_files *split;
    struct unit_range *ranges; /* ascending; made on first use */
    size_t n_ranges, capacity;
    uint64_t budget;
    bool ranges_known;
};

struct sl_units *sl_units_new(Dwarf *dwarf, const struct sl_debugged *debugged)
{
    struct sl_units *units = calloc(1, sizeof *units);
    if (!units)
        return NULL;
    units->dwarf = dwarf;
    units->debugged = debugged;
    units->sections = sl_range_sections_of(dwarf);
    units->budget = MAX_RANGES;
    return units;
}

void sl_units_free(struct sl_units *units)
{
    if (!units)
        return;
    for (struct sl_unit *unit = units->list, *next; unit; unit = next) {
        next = unit->next;
        free(unit->functions);
        free(unit);
    }
    sl_split_files_free(units->split);
    free(units->ranges);
    free(units);
}

/*
 * What a linker leaves out of a program stays in the debug information, at address 0, 1, or
 * one of the last.
 */
static bool is_code(const struct sl_debugged *debugged, const struct sl_range *range)
{
    for (size_t i = 0; i < debugged->n_code; i++)
        if (range->start >= debugged->code[i].start && range->end <= debugged->code[i].end)
            return true;
    return false;
}

static int compare_functions(const void *left, const void *right)
{
    const struct sl_function_range *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return (a->die.addr < b->die.addr) - (a->die.addr > b->die.addr); /* the first one last */
}

static bool may_hold_functions(int tag)
{
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
        return true;
    default:
        return false;
    }
}

/* @return false when memory is short */
static bool add_function(struct sl_unit *unit, const struct sl_debugged *debugged, Dwarf_Die *die,
                         size_t *capacity)
{
    struct sl_range_walk walk = sl_ranges_of(&unit->ranges, die);
    struct sl_range range;

    while (sl_ranges_next(&walk, &range)) {
        if (!is_code(debugged, &range))
            continue;
        if (!sl_grow(&unit->functions, capacity, unit->n_functions + 1))
            return false;
        unit->functions[unit->n_functions++] =
            (struct sl_function_range){.start = range.start, .end = range.end, .die = *die};
    }
    return true;
}

static void index_functions(struct sl_unit *unit, const struct sl_debugged *debugged)
{
    struct sl_die_walk walk;
    size_t capacity = 0;
    int tag;

    unit->indexed = true;
    for (bool more = sl_die_walk_begin(&walk, &unit->scope, unit->ranges.info); more;
         more = sl_die_walk_next(&walk, may_hold_functions(tag))) {
        tag = dwarf_tag(&walk.die);
        if (tag == DW_TAG_subprogram && !add_function(unit, debugged, &walk.die, &capacity))
            break;
    }
    if (!unit->n_functions)
        return;
    qsort(unit->functions, unit->n_functions, sizeof *unit->functions, compare_functions);
    uint64_t reach = 0;
    for (size_t i = 0; i < unit->n_functions; i++)
        unit->functions[i].reach = reach = SL_MAX(reach, unit->functions[i].end);
}

/* The innermost function around the address. */
static bool find_function(struct sl_unit *unit, const struct sl_debugged *debugged,
                          uint64_t address, struct sl_code_place *place)
{
    if (!unit->indexed)
        index_functions(unit, debugged);
    size_t at = SL_PARTITION_POINT(unit->n_functions, i, unit->functions[i].start <= address);
    for (; at && unit->functions[at - 1].reach > address; at--) {
        const struct sl_function_range *function = &unit->functions[at - 1];
        if (function->end <= address)
            continue;
        place->function = function->die;
        place->range = (struct sl_range){function->start, function->end};
        return true;
    }
    return false;
}

static struct sl_unit *unit_of(struct sl_units *units, Dwarf_Die *die)
{
    for (struct sl_unit *unit = units->list; unit; unit = unit->next)
        if (unit->lines.addr == die->addr)
            return unit;
    struct sl_unit *unit = calloc(1, sizeof *unit);
    uint8_t type = 0;
    if (!unit)
        return NULL;
    unit->lines = unit->scope = *die;
    unit->next = units->list;
    units->list = unit;
    unit->ranges = sl_range_source_of(&units->sections, die, &units->budget);
    (void) dwarf_cu_info(die->cu, NULL, &type, NULL, NULL, NULL, NULL, NULL);
    if (type == DW_UT_skeleton &&
        sl_split_find(&units->split, units->debugged, die, &unit->scope)) {
        unit->split = true;
        sl_range_source_split(&unit->ranges, die, &unit->scope);
    }
    return unit;
}

static int compare_ranges(const void *left, const void *right)
{
    const struct unit_range *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->offset < b->offset) - (a->offset > b->offset);
}

/* .debug_aranges is optional, and some compilers leave it out: ask the units themselves. */
static void index_units(struct sl_units *units)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    uint8_t type;
    uint64_t reach = 0;

    units->ranges_known = true;
    while (dwarf_get_units(units->dwarf, unit, &unit, NULL, &type, &die, NULL) == 0) {
        struct sl_range range;
        if (type != DW_UT_compile && type != DW_UT_partial && type != DW_UT_skeleton)
            continue;
        struct sl_range_source source = sl_range_source_of(&units->sections, &die, &units->budget);
        struct sl_range_walk walk = sl_ranges_of(&source, &die);
        while (sl_ranges_next(&walk, &range)) {
            if (!is_code(units->debugged, &range))
                continue;
            if (!sl_grow(&units->ranges, &units->capacity, units->n_ranges + 1))
                return;
            units->ranges[units->n_ranges++] = (struct unit_range){
                .start = range.start, .end = range.end, .offset = dwarf_dieoffset(&die)};
        }
    }
    if (units->n_ranges)
        qsort(units->ranges, units->n_ranges, sizeof *units->ranges, compare_ranges);
    for (size_t i = 0; i < units->n_ranges; i++)
        units->ranges[i].reach = reach = SL_MAX(reach, units->ranges[i].end);
}

/* @return whether the unit is the one */
static bool
try_unit(struct sl_units *units, Dwarf_Die *die, uint64_t address, struct sl_code_place *place)
{
    struct sl_unit *unit = unit_of(units, die);
    if (!unit)
        return false;
    if (!place->unit)
        place->unit = unit;
    if (!find_function(unit, units->debugged, address, place))
        return false;
    place->unit = unit;
    place->has_function = true;
    return true;
}

static bool search_units(struct sl_units *units, uint64_t address, struct sl_code_place *place)
{
    if (!units->ranges_known)
        index_units(units);
    size_t at = SL_PARTITION_POINT(units->n_ranges, i, units->ranges[i].start <= address);
    for (; at && units->ranges[at - 1].reach > address; at--) {
        Dwarf_Die die;
        if (units->ranges[at - 1].end > address &&
            dwarf_offdie(units->dwarf, units->ranges[at - 1].offset, &die) &&
            try_unit(units, &die, address, place))
            return true;
    }
    return false;
}

bool sl_units_find(struct sl_units *units, uint64_t address, struct sl_code_place *ret_place)
{
    struct sl_code_place place = {0};
    Dwarf_Die die;

    if (!units)
        return false;
    /* Two lists of what covers what: the short one may be wrong, or not there. */
    if (!dwarf_addrdie(units->dwarf, address, &die) || !try_unit(units, &die, address, &place))
        (void) search_units(units, address, &place);
    *ret_place = place;
    return place.unit;
}
