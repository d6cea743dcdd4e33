/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols and debug information of one ELF object, from its file and its debug file. */
#ifndef SL_SNAPSHOT_SYMBOL_OBJECT_H
#define SL_SNAPSHOT_SYMBOL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "harness/snapshot/module.h"
#include "harness/snapshot/symbol_table.h"

/* Address range of one compilation unit. */
struct sl_unit_range {
    uint64_t start, end;
    Dwarf_Die unit;  /* has the line table */
    Dwarf_Die scope; /* has the functions: the same, or its part in a .dwo file */
};

struct sl_section_copy;

struct sl_object {
    struct sl_object *next;
    struct sl_module *module;
    int fd, debug_fd;
    Elf *elf, *debug_elf;
    Elf *packed_elf; /* symbols only */
    Dwarf *dwarf;
    uint8_t *image;                 /* of the vDSO, which has no file; or of packed_elf */
    struct sl_section_copy *copies; /* that took the place of sections of debug information */
    struct sl_symbol_table symbols;
    struct sl_unit_range *units; /* ascending; made on first use */
    size_t n_units;
    bool units_known;
};

/* Never fails for want of a file: an object without symbols gives no names.  NULL: no memory. */
struct sl_object *sl_object_new(struct sl_modules *modules, struct sl_module *module);
void sl_object_free(struct sl_object *object);

/*
 * Name, as it stands in the file, of the function that has a virtual address of it; NULL when no
 * symbol has.
 */
const char *
sl_object_symbol(struct sl_object *object, struct sl_modules *modules, uint64_t address);

/*
 * Unit that covers a virtual address of the file.  @return false when there is none
 */
bool sl_object_find_unit(struct sl_object *object, uint64_t address, Dwarf_Die *ret_unit,
                         Dwarf_Die *ret_scope);

#endif
