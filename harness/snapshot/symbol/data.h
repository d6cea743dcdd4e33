/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of data symbols in a module of the target. */
#ifndef SL_SNAPSHOT_SYMBOL_DATA_H
#define SL_SNAPSHOT_SYMBOL_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/module/module.h"

struct sl_data_symbol {
    const char *name;
    uint64_t address; /* set when found, else 0 */
};

/* Look all of them up among the exported symbols.  @return false when one is missing */
bool sl_data_symbols_find(struct sl_modules *modules, struct sl_module *module,
                          struct sl_data_symbol *symbols, size_t n_symbols);

#endif
