/* SPDX-License-Identifier: Apache-2.0 */
/* Function symbols of an ELF file, sorted by address. */
#ifndef SL_SNAPSHOT_SYMBOL_TABLE_H
#define SL_SNAPSHOT_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

struct sl_symbol {
    uint64_t start, end;
    uint64_t reach;        /* highest end among this and all before it */
    const char *name;      /* in the string table of the file */
    uint16_t length, bars; /* of the name, as far as it is looked at: all of it, and its first _ */
    bool local;
    bool unsized; /* ends where the next one begins, or its section ends: nobody knows better */
};

struct sl_symbol_table {
    struct sl_symbol *symbols;
    size_t n_symbols, capacity;
};

/*
 * Add the functions of a section of this type (SHT_SYMTAB, SHT_DYNSYM); the file, which may
 * be NULL, must outlive the table.  @return false when there are none
 */
bool sl_symbol_table_add(struct sl_symbol_table *table, Elf *elf, uint32_t type);

/*
 * Add one, if it is a function whose size is known; the name must outlive the table.  @return false
 * when memory is short
 */
bool sl_symbol_table_put(struct sl_symbol_table *table, const Elf64_Sym *symbol, const char *name);

/* How many symbols, of whatever kind, a section of this type has. */
size_t sl_symbol_table_count(Elf *elf, uint32_t type);

/* After all are added. */
void sl_symbol_table_sort(struct sl_symbol_table *table);
void sl_symbol_table_release(struct sl_symbol_table *table);

/* The innermost symbol whose extent covers the address, by its best name; or NULL. */
const struct sl_symbol *sl_symbol_table_find(const struct sl_symbol_table *table, uint64_t address);

#endif
