/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/data.h"

#include <string.h>

#include <gelf.h>
#include <libelf.h>

static void match(Elf *elf, Elf_Data *data, const GElf_Shdr *header, uint64_t bias,
                  struct sl_data_symbol *symbols, size_t n_symbols)
{
    size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym symbol;
        const char *name = gelf_getsym(data, (int) i, &symbol)
                               ? elf_strptr(elf, header->sh_link, symbol.st_name)
                               : NULL;
        if (!name || symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT)
            continue;
        for (size_t k = 0; k < n_symbols; k++)
            if (strcmp(name, symbols[k].name) == 0)
                symbols[k].address = bias + symbol.st_value;
    }
}

bool sl_data_symbols_find(struct sl_modules *modules, const struct sl_module *module,
                          struct sl_data_symbol *symbols, size_t n_symbols)
{
    SL_AUTO_FD int fd = sl_module_open(modules, module);

    (void) elf_version(EV_CURRENT);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        Elf_Data *data;
        if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM &&
            (data = elf_getdata(section, NULL)))
            match(elf, data, &header, module->bias, symbols, n_symbols);
    }
    (void) elf_end(elf);
    for (size_t k = 0; k < n_symbols; k++)
        if (!symbols[k].address)
            return false;
    return true;
}
