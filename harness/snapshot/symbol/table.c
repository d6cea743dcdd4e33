/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/table.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "base/grow.h"
#include "base/search.h"

#define MAX_ORDERED 4096      /* bytes of a name that are looked at for its order */
#define MAX_SYMBOLS (1 << 24) /* of all sections of a kind: more than the largest programs have */

/*
 * Which of two names of the same code is shown: the one programs use.  Exported
 * before local, fewer leading underscores, then shorter, then alphabetical, so
 * that the choice never depends on the order of the file.
 *
 * A file may give a million symbols names that have their end in common, each as long as the file.
 */
static int compare_names(const struct sl_symbol *a, const struct sl_symbol *b)
{
    if (a->local != b->local)
        return a->local ? 1 : -1;
    if (a->bars != b->bars)
        return a->bars < b->bars ? -1 : 1;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    if (a->length < MAX_ORDERED && a->name != b->name)
        return memcmp(a->name, b->name, a->length);
    return a->name < b->name ? -1 : a->name > b->name;
}

/* By start, those that know their size and outer extents first, the best name last. */
static int compare_symbols(const void *left, const void *right)
{
    const struct sl_symbol *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->unsized != b->unsized)
        return a->unsized ? 1 : -1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return -compare_names(a, b);
}

static bool is_function(const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
           symbol->st_shndx != SHN_UNDEF && symbol->st_value + symbol->st_size >= symbol->st_value;
}

/* The end of the code that a symbol lies in; 0 when it lies in none, as many marks of linkers. */
static uint64_t code_end(Elf *elf, const GElf_Sym *symbol)
{
    GElf_Shdr section;
    Elf_Scn *scn = symbol->st_shndx < SHN_LORESERVE ? elf_getscn(elf, symbol->st_shndx) : NULL;

    if (!scn || !gelf_getshdr(scn, &section) || !(section.sh_flags & SHF_EXECINSTR) ||
        symbol->st_value < section.sh_addr || symbol->st_value - section.sh_addr >= section.sh_size)
        return 0;
    return section.sh_addr + section.sh_size;
}

/* Names for tools: ".annobin_main.c", "$x" */
static bool is_for_people(const char *name)
{
    return name && *name && *name != '.' && *name != '$';
}

static bool
put(struct sl_symbol_table *table, const GElf_Sym *symbol, const char *name, uint64_t end)
{
    size_t length = strnlen(name, MAX_ORDERED), bars = 0;

    if (!sl_grow(&table->symbols, &table->capacity, table->n_symbols + 1))
        return false;
    while (bars < length && name[bars] == '_')
        bars++;
    table->symbols[table->n_symbols++] =
        (struct sl_symbol){.start = symbol->st_value,
                           .end = end,
                           .name = name,
                           .length = (uint16_t) length,
                           .bars = (uint16_t) bars,
                           .local = GELF_ST_BIND(symbol->st_info) == STB_LOCAL,
                           .unsized = !symbol->st_size};
    return true;
}

bool sl_symbol_table_put(struct sl_symbol_table *table, const Elf64_Sym *symbol, const char *name)
{
    return !is_function(symbol) || !symbol->st_size || !*name ||
           put(table, symbol, name, symbol->st_value + symbol->st_size);
}

static bool
read_symbols(Elf *elf, Elf_Data *data, size_t n, size_t strings, struct sl_symbol_table *table)
{
    for (size_t i = 0; i < n && table->n_symbols < MAX_SYMBOLS; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int) i, &symbol) || !is_function(&symbol))
            continue;
        const char *name = elf_strptr(elf, strings, symbol.st_name);
        if (!name || !*name || (!symbol.st_size && !is_for_people(name)))
            continue;
        uint64_t end = symbol.st_size ? symbol.st_value + symbol.st_size : code_end(elf, &symbol);
        if (end > symbol.st_value && !put(table, &symbol, name, end))
            return false;
    }
    return true;
}

/* The section of this type that comes after `section`, or the first; NULL: none. */
static Elf_Scn *next_section(Elf *elf, Elf_Scn *section, uint32_t type, GElf_Shdr *ret_header)
{
    while (elf && (section = elf_nextscn(elf, section)))
        if (gelf_getshdr(section, ret_header) && ret_header->sh_type == type &&
            ret_header->sh_entsize)
            return section;
    return NULL;
}

bool sl_symbol_table_add(struct sl_symbol_table *table, Elf *elf, uint32_t type)
{
    size_t before = table->n_symbols;
    GElf_Shdr header;

    for (Elf_Scn *section = NULL; (section = next_section(elf, section, type, &header));) {
        Elf_Data *data = elf_getdata(section, NULL);
        if (!data || table->n_symbols >= MAX_SYMBOLS ||
            !read_symbols(elf, data, header.sh_size / header.sh_entsize, header.sh_link, table))
            break;
    }
    return table->n_symbols > before;
}

size_t sl_symbol_table_count(Elf *elf, uint32_t type)
{
    size_t n = 0;
    GElf_Shdr header;

    for (Elf_Scn *section = NULL; (section = next_section(elf, section, type, &header));)
        n += header.sh_size / header.sh_entsize;
    return n;
}

/* Labels within a function are not functions; others end where the next symbol begins. */
static void bound_unsized(struct sl_symbol_table *table)
{
    uint64_t sized_end = 0, next = UINT64_MAX;
    size_t n = 0;

    for (size_t i = 0; i < table->n_symbols; i++) {
        const struct sl_symbol *symbol = &table->symbols[i];
        if (symbol->unsized && symbol->start < sized_end)
            continue;
        if (!symbol->unsized)
            sized_end = SL_MAX(sized_end, symbol->end);
        table->symbols[n++] = *symbol;
    }
    table->n_symbols = n;
    for (size_t i = n; i-- > 0;) {
        struct sl_symbol *symbol = &table->symbols[i];
        if (i + 1 < n && symbol[1].start > symbol->start)
            next = symbol[1].start;
        if (symbol->unsized)
            symbol->end = SL_MIN(symbol->end, next);
    }
}

void sl_symbol_table_sort(struct sl_symbol_table *table)
{
    uint64_t reach = 0;

    if (!table->n_symbols)
        return;
    qsort(table->symbols, table->n_symbols, sizeof *table->symbols, compare_symbols);
    bound_unsized(table);
    for (size_t i = 0; i < table->n_symbols; i++) {
        reach = SL_MAX(reach, table->symbols[i].end);
        table->symbols[i].reach = reach;
    }
}

void sl_symbol_table_release(struct sl_symbol_table *table)
{
    free(table->symbols);
    *table = (struct sl_symbol_table){0};
}

const struct sl_symbol *sl_symbol_table_find(const struct sl_symbol_table *table, uint64_t address)
{
    size_t at = SL_PARTITION_POINT(table->n_symbols, i, table->symbols[i].start <= address);
    /* Backwards over what started earlier, as long as anything there reaches this far. */
    for (; at && table->symbols[at - 1].reach > address; at--)
        if (table->symbols[at - 1].end > address)
            return &table->symbols[at - 1];
    return NULL;
}
