/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a module exports, without its file: what the loader resolves symbols with is in memory.
 */
#ifndef SL_SNAPSHOT_SYMBOL_DYNAMIC_H
#define SL_SNAPSHOT_SYMBOL_DYNAMIC_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/table.h"

/* Copies of the target's; begin with zeros. */
struct sl_dynamic {
    Elf64_Sym *symbols;
    uint32_t n_symbols;
    char *names; /* all that symbols count in has an end */
    uint64_t names_size;
};

/* @return false when the module has none that can be read, or memory is short; also without a
 * reader */
bool sl_dynamic_read(struct sl_dynamic *dynamic, struct sl_modules *modules,
                     const struct sl_module *module);
void sl_dynamic_release(struct sl_dynamic *dynamic);

/* Of a symbol; NULL when it lies beyond all names. */
const char *sl_dynamic_name(const struct sl_dynamic *dynamic, uint32_t i);

/* Add the functions to a table, which they must outlive. */
void sl_dynamic_add(const struct sl_dynamic *dynamic, struct sl_symbol_table *table);

#endif
