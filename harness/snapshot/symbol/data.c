/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/data.h"

#include <string.h>

#include "harness/snapshot/symbol/dynamic.h"

static void match(const struct sl_dynamic *dynamic, uint64_t bias, struct sl_data_symbol *symbols,
                  size_t n_symbols)
{
    for (uint32_t i = 0; i < dynamic->n_symbols; i++) {
        const Elf64_Sym *symbol = &dynamic->symbols[i];
        const char *name = sl_dynamic_name(dynamic, i);
        if (!name || symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
            continue;
        for (size_t k = 0; k < n_symbols; k++)
            if (strcmp(name, symbols[k].name) == 0)
                symbols[k].address = bias + symbol->st_value;
    }
}

bool sl_data_symbols_find(struct sl_modules *modules, struct sl_module *module,
                          struct sl_data_symbol *symbols, size_t n_symbols)
{
    struct sl_dynamic dynamic = {0};

    if (sl_dynamic_read(&dynamic, modules, module))
        match(&dynamic, module->bias, symbols, n_symbols);
    sl_dynamic_release(&dynamic);
    for (size_t k = 0; k < n_symbols; k++)
        if (!symbols[k].address)
            return false;
    return true;
}
