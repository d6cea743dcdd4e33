/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols and debug information of one ELF object, from its file and its debug file. */
#ifndef SL_SNAPSHOT_SYMBOL_OBJECT_H
#define SL_SNAPSHOT_SYMBOL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/dwarf/file.h"
#include "harness/snapshot/dwarf/unit.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/dynamic.h"
#include "harness/snapshot/symbol/table.h"

struct sl_object {
    struct sl_object *next;
    struct sl_module *module;
    struct sl_debug_file file, debug; /* as mapped; the separate one */
    struct sl_debug_file packed;      /* symbols only */
    struct sl_debug_file alternate;   /* what the one with debug information shares with others */
    uint8_t *image;                   /* of the vDSO, which has no file; or of `packed` */
    struct sl_symbol_table symbols;
    struct sl_dynamic dynamic; /* of a module without a file */
    struct sl_units *units;    /* NULL: no debug information */
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

#endif
