/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/dynamic.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 1024 /* of the dynamic section */
#define MAX_SYMBOLS ((uint32_t) 1024 * 1024)
#define MAX_NAMES   ((uint64_t) 64 * 1024 * 1024)

/* Addresses and sizes of tables; 0: the module has none. */
struct tables {
    uint64_t symbols, names, names_size, hash, gnu_hash;
};

/* glibc makes addresses of these where it may write, other loaders leave what the file has. */
static uint64_t address_of(const struct sl_module *module, uint64_t value)
{
    return sl_module_segment(module, value) ? value : module->bias + value;
}

static bool
find_tables(struct sl_reader *reader, const struct sl_module *module, struct tables *ret_tables)
{
    const Elf64_Phdr *dynamic = sl_image_segment(&module->image, PT_DYNAMIC);
    struct tables tables = {0};
    Elf64_Dyn entry = {0};

    for (size_t i = 0; dynamic && i < MAX_ENTRIES && i < dynamic->p_memsz / sizeof entry; i++) {
        if (!sl_reader_read_cached(reader, module->bias + dynamic->p_vaddr + i * sizeof entry,
                                   &entry, sizeof entry) ||
            entry.d_tag == DT_NULL)
            break;
        uint64_t address = address_of(module, entry.d_un.d_ptr);
        switch (entry.d_tag) {
        case DT_SYMTAB:
            tables.symbols = address;
            break;
        case DT_STRTAB:
            tables.names = address;
            break;
        case DT_STRSZ:
            tables.names_size = entry.d_un.d_val;
            break;
        case DT_HASH:
            tables.hash = address;
            break;
        case DT_GNU_HASH:
            tables.gnu_hash = address;
            break;
        default:
            break;
        }
    }
    *ret_tables = tables;
    return tables.symbols && tables.names && tables.names_size && tables.names_size <= MAX_NAMES;
}

/* The last chain ends with the last symbol. */
static uint32_t count_by_gnu_hash(struct sl_reader *reader, uint64_t at)
{
    struct {
        uint32_t n_buckets, first, n_bloom, shift;
    } header;
    uint32_t bucket, last = 0, value = 0;

    if (!sl_reader_read_all(reader, at, &header, sizeof header) || header.n_buckets > MAX_SYMBOLS)
        return 0;
    uint64_t buckets = at + sizeof header + (uint64_t) header.n_bloom * sizeof(uint64_t);
    for (uint32_t i = 0; i < header.n_buckets; i++) {
        if (!sl_reader_read_cached(reader, buckets + i * sizeof bucket, &bucket, sizeof bucket))
            return 0;
        last = SL_MAX(last, bucket);
    }
    if (last < header.first)
        return header.first;
    uint64_t chains = buckets + (uint64_t) header.n_buckets * sizeof bucket;
    for (; !(value & 1) && last < MAX_SYMBOLS; last++)
        if (!sl_reader_read_cached(reader, chains + (uint64_t) (last - header.first) * sizeof value,
                                   &value, sizeof value))
            return 0;
    return last;
}

/* As many as it says. */
static uint32_t count_symbols(struct sl_reader *reader, const struct tables *tables)
{
    uint32_t hash[2]; /* buckets, chains: one for each symbol */
    if (tables->hash && sl_reader_read_all(reader, tables->hash, hash, sizeof hash))
        return hash[1];
    return tables->gnu_hash ? count_by_gnu_hash(reader, tables->gnu_hash) : 0;
}

bool sl_dynamic_read(struct sl_dynamic *dynamic, struct sl_modules *modules,
                     const struct sl_module *module)
{
    struct sl_reader *reader = sl_modules_reader(modules);
    struct tables tables;

    if (!reader || !find_tables(reader, module, &tables))
        return false;
    uint32_t n = SL_MIN(count_symbols(reader, &tables), MAX_SYMBOLS);
    /* With a table of them, which grows by doubling. */
    uint64_t weight = tables.names_size + n * (sizeof(Elf64_Sym) + 2 * sizeof(struct sl_symbol));
    if (!sl_budget_take(sl_modules_target(modules)->budget, SL_BUDGET_MEMORY, weight))
        return false;
    SL_AUTO_FREE Elf64_Sym *symbols = n ? malloc(n * sizeof *symbols) : NULL;
    SL_AUTO_FREE char *names = malloc(tables.names_size + 1);
    if (!symbols || !names ||
        !sl_reader_read_all(reader, tables.symbols, symbols, n * sizeof *symbols) ||
        !sl_reader_read_all(reader, tables.names, names, tables.names_size))
        return false;
    names[tables.names_size] = '\0';
    *dynamic = (struct sl_dynamic){.symbols = SL_TAKE(symbols),
                                   .n_symbols = n,
                                   .names = SL_TAKE(names),
                                   .names_size = tables.names_size};
    return true;
}

const char *sl_dynamic_name(const struct sl_dynamic *dynamic, uint32_t i)
{
    uint32_t at = dynamic->symbols[i].st_name;
    return at < dynamic->names_size ? dynamic->names + at : NULL;
}

void sl_dynamic_add(const struct sl_dynamic *dynamic, struct sl_symbol_table *table)
{
    for (uint32_t i = 0; i < dynamic->n_symbols; i++) {
        const char *name = sl_dynamic_name(dynamic, i);
        if (name && !sl_symbol_table_put(table, &dynamic->symbols[i], name))
            return;
    }
}

void sl_dynamic_release(struct sl_dynamic *dynamic)
{
    free(dynamic->symbols);
    free(dynamic->names);
    *dynamic = (struct sl_dynamic){0};
}
