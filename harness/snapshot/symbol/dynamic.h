/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exported functions of a module whose file is out of reach, as when it was replaced and map_files
 * is for the privileged only: what the loader resolves symbols with is in memory.
 */
#ifndef SL_SNAPSHOT_SYMBOL_DYNAMIC_H
#define SL_SNAPSHOT_SYMBOL_DYNAMIC_H

#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/table.h"

/* The bytes of the target that a table of its symbols points into; begin with zeros. */
struct sl_dynamic {
    char *names;
};

/* Add them to the table, which the bytes must outlive; without a reader nothing. */
void sl_dynamic_add(struct sl_dynamic *dynamic, struct sl_reader *reader,
                    const struct sl_module *module, struct sl_symbol_table *table);
void sl_dynamic_release(struct sl_dynamic *dynamic);

#endif
