/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol_table.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "base/grow.h"

/*
 * Which of two names of the same code is shown: the one programs use.  Exported
 * before local, fewer leading underscores, then shorter, then alphabetical, so
 * that the choice never depends on the order of the file.
 */
static int compare_names(const struct sl_symbol *a, const struct sl_symbol *b)
{
    size_t a_bars = strspn(a->name, "_"), b_bars = strspn(b->name, "_");
    size_t a_length = strlen(a->name), b_length = strlen(b->name);

    if (a->local != b->local)
        return a->local ? 1 : -1;
    if (a_bars != b_bars)
        return a_bars < b_bars ? -1 : 1;
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* By start, outer extents first, the best name last. */
static int compare_symbols(const void *left, const void *right)
{
    const struct sl_symbol *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return -compare_names(a, b);
}

static bool is_function(const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
           symbol->st_shndx != SHN_UNDEF && symbol->st_size &&
           symbol->st_value + symbol->st_size > symbol->st_value;
}

static bool
read_symbols(Elf *elf, Elf_Data *data, size_t n, size_t strings, struct sl_symbol_table *table)
{
    size_t capacity = 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int) i, &symbol) || !is_function(&symbol))
            continue;
        const char *name = elf_strptr(elf, strings, symbol.st_name);
        if (!name || !*name)
            continue;
        if (!sl_grow(&table->symbols, &capacity, table->n_symbols + 1))
            return false;
        table->symbols[table->n_symbols++] =
            (struct sl_symbol){.start = symbol.st_value,
                               .end = symbol.st_value + symbol.st_size,
                               .name = name,
                               .local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL};
    }
    return true;
}

bool sl_symbol_table_load(Elf *elf, uint32_t type, struct sl_symbol_table *ret_table)
{
    struct sl_symbol_table table = {0};

    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != type || !header.sh_entsize)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        if (!data ||
            !read_symbols(elf, data, header.sh_size / header.sh_entsize, header.sh_link, &table))
            break;
    }
    if (!table.n_symbols) {
        sl_symbol_table_release(&table);
        return false;
    }
    qsort(table.symbols, table.n_symbols, sizeof *table.symbols, compare_symbols);
    uint64_t reach = 0;
    for (size_t i = 0; i < table.n_symbols; i++) {
        reach = SL_MAX(reach, table.symbols[i].end);
        table.symbols[i].reach = reach;
    }
    *ret_table = table;
    return true;
}

void sl_symbol_table_release(struct sl_symbol_table *table)
{
    free(table->symbols);
    *table = (struct sl_symbol_table){0};
}

const struct sl_symbol *sl_symbol_table_find(const struct sl_symbol_table *table, uint64_t address)
{
    size_t low = 0, high = table->n_symbols;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->symbols[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    /* Backwards over what started earlier, as long as anything there reaches this far. */
    for (; low && table->symbols[low - 1].reach > address; low--)
        if (table->symbols[low - 1].end > address)
            return &table->symbols[low - 1];
    return NULL;
}
