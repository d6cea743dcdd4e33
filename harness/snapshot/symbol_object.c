/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol_object.h"

#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <gelf.h>

#include "base/grow.h"
#include "harness/snapshot/symbol_section.h"
#include "harness/snapshot/symbol_separate.h"
#include "harness/snapshot/unwind_table.h"

#define MAX_VDSO ((uint64_t) 1024 * 1024)

struct sl_section_copy {
    struct sl_section_copy *next;
    uint8_t data[];
};

static Elf *open_elf(int fd)
{
    /* Read, not mapped: a file that shrinks must not take the process with it. */
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    if (elf && elf_kind(elf) != ELF_K_ELF) {
        (void) elf_end(elf);
        elf = NULL;
    }
    return elf;
}

static void open_vdso(struct sl_modules *modules, struct sl_object *object)
{
    const struct sl_module *module = object->module;
    uint64_t size = module->mapping.end - module->mapping.start;

    if (size > MAX_VDSO)
        return;
    object->image = malloc(size);
    if (object->image && sl_reader_read_cached(sl_modules_reader(modules), module->mapping.start,
                                               object->image, size))
        object->elf = elf_memory((char *) object->image, size);
}

static bool has_debug_info(int fd)
{
    struct sl_section section;
    return sl_section_find(fd, ".debug_info", &section);
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/*
 * libdw unpacks every section of debug information that it finds, at once.  Where
 * variables are is of no use here, and a sixth of what there is to unpack in libc's.
 */
static void hide(Elf_Scn *section, GElf_Shdr *header)
{
    header->sh_type = SHT_NOBITS; /* in memory only: the file is open for reading */
    (void) gelf_update_shdr(section, header);
}

/*
 * libdw reads text that stands in a section to its zero byte, and beyond the section if there
 * is none.  Where the last byte is not zero, a copy that has one more takes its place.
 */
static bool terminate(struct sl_object *object, Elf_Scn *section, const GElf_Shdr *header)
{
    if ((header->sh_flags & SHF_COMPRESSED) && elf_compress(section, 0, 0) < 0)
        return true; /* libdw leaves it out */
    Elf_Data *data = elf_getdata(section, NULL);
    const uint8_t *bytes = data ? data->d_buf : NULL;
    if (!bytes || !data->d_size || !bytes[data->d_size - 1])
        return true;
    struct sl_section_copy *copy = malloc(sizeof *copy + data->d_size + 1);
    if (!copy)
        return false;
    memcpy(copy->data, bytes, data->d_size);
    copy->data[data->d_size] = 0;
    copy->next = object->copies;
    object->copies = copy;
    data->d_buf = copy->data; /* libelf remembers by itself what it has to free */
    return true;
}

/* @return false when memory is short */
static bool prepare_sections(struct sl_object *object, Elf *elf)
{
    static const char *const unused[] = {".debug_loc",   ".debug_loclists", ".debug_macro",
                                         ".debug_frame", ".debug_pubnames", ".debug_pubtypes"};
    static const char *const with_text[] = {".debug_info", ".debug_line", ".debug_types",
                                            ".debug_str", ".debug_line_str"};
    size_t names;

    if (elf_getshdrstrndx(elf, &names))
        return true;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!name || header.sh_type == SHT_NOBITS)
            continue;
        if (is_one_of(name, unused, SL_COUNT_OF(unused)))
            hide(section, &header);
        else if (is_one_of(name, with_text, SL_COUNT_OF(with_text)) &&
                 !terminate(object, section, &header))
            return false;
    }
    return true;
}

static Dwarf *open_dwarf(struct sl_object *object, Elf *elf)
{
    return prepare_sections(object, elf) ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
}

/* Symbols of local functions, packed into a section of a file that has been stripped of the rest.
 */
static void open_packed(struct sl_object *object)
{
    size_t size;
    if (sl_separate_unpack(object->fd, &object->image, &size))
        object->packed_elf = elf_memory((char *) object->image, size);
}

/*
 * .symtab names local functions too; it may be in the debug file.  Where it is missing, or was
 * stripped of most, .dynsym has the exported.
 */
static void load_symbols(struct sl_object *object)
{
    struct sl_symbol_table *table = &object->symbols;

    if (!sl_symbol_table_add(table, object->debug_elf, SHT_SYMTAB) &&
        !sl_symbol_table_add(table, object->elf, SHT_SYMTAB) && !object->image) {
        open_packed(object);
        (void) sl_symbol_table_add(table, object->packed_elf, SHT_SYMTAB);
    }
    if (table->n_symbols < sl_symbol_table_count(object->elf, SHT_DYNSYM))
        (void) sl_symbol_table_add(table, object->elf, SHT_DYNSYM);
    sl_symbol_table_sort(table);
}

struct sl_object *sl_object_new(struct sl_modules *modules, struct sl_module *module)
{
    struct sl_object *object = calloc(1, sizeof *object);
    if (!object)
        return NULL;
    (void) elf_version(EV_CURRENT);
    object->module = module;
    object->fd = object->debug_fd = -1;
    if (module->vdso) {
        open_vdso(modules, object);
    } else {
        object->fd = sl_module_open(modules, module);
        object->elf = open_elf(object->fd);
    }
    if (!has_debug_info(object->fd)) {
        object->debug_fd = sl_separate_open(modules, module, object->fd);
        object->debug_elf = open_elf(object->debug_fd);
    }
    load_symbols(object);
    Elf *with_dwarf = object->debug_elf ? object->debug_elf : object->elf;
    if (with_dwarf && has_debug_info(object->debug_elf ? object->debug_fd : object->fd))
        object->dwarf = open_dwarf(object, with_dwarf);
    return object;
}

void sl_object_free(struct sl_object *object)
{
    if (!object)
        return;
    free(object->units);
    sl_symbol_table_release(&object->symbols);
    if (object->dwarf)
        (void) dwarf_end(object->dwarf);
    if (object->debug_elf)
        (void) elf_end(object->debug_elf);
    if (object->elf)
        (void) elf_end(object->elf);
    (void) elf_end(object->packed_elf);
    if (object->debug_fd >= 0)
        (void) close(object->debug_fd);
    if (object->fd >= 0)
        (void) close(object->fd);
    for (struct sl_section_copy *copy = object->copies, *next; copy; copy = next) {
        next = copy->next;
        free(copy);
    }
    free(object->image);
    free(object);
}

/* Do the unwind tables say that a function begins between the two? */
static bool
another_begins(struct sl_object *object, struct sl_modules *modules, uint64_t from, uint64_t to)
{
    const struct sl_cfi_section *section;
    struct sl_cfi_range range;
    uint64_t bias = object->module->bias, record;

    return sl_unwind_table_find(modules, object->module, bias + to, &section, &record) ==
               SL_TABLE_FOUND &&
           sl_cfi_scan(section, record, &range) == SL_CFI_FDE && range.start > bias + from;
}

const char *sl_object_symbol(struct sl_object *object, struct sl_modules *modules, uint64_t address)
{
    const struct sl_symbol *symbol = sl_symbol_table_find(&object->symbols, address);

    /* Where the next symbols were stripped, one without a size would take their functions over. */
    if (symbol && symbol->unsized && another_begins(object, modules, symbol->start, address))
        symbol = NULL;
    return symbol ? symbol->name : NULL;
}

static int compare_units(const void *left, const void *right)
{
    const struct sl_unit_range *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

/* .debug_aranges is optional, and some compilers leave it out: ask the units themselves. */
static void index_units(struct sl_object *object)
{
    size_t capacity = 0;
    Dwarf_CU *unit = NULL;
    Dwarf_Die die, part;
    uint8_t type;

    object->units_known = true;
    while (dwarf_get_units(object->dwarf, unit, &unit, NULL, &type, &die, &part) == 0) {
        Dwarf_Addr base, start, end;
        if (type != DW_UT_compile && type != DW_UT_partial && type != DW_UT_skeleton)
            continue;
        bool split = type == DW_UT_skeleton && dwarf_tag(&part) == DW_TAG_compile_unit;
        for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;) {
            if (start >= end)
                continue;
            if (!sl_grow(&object->units, &capacity, object->n_units + 1))
                return;
            object->units[object->n_units++] = (struct sl_unit_range){
                .start = start, .end = end, .unit = die, .scope = split ? part : die};
        }
    }
    if (object->n_units)
        qsort(object->units, object->n_units, sizeof *object->units, compare_units);
}

bool sl_object_find_unit(struct sl_object *object, uint64_t address, Dwarf_Die *ret_unit,
                         Dwarf_Die *ret_scope)
{
    if (!object->dwarf)
        return false;
    if (dwarf_addrdie(object->dwarf, address, ret_unit)) {
        *ret_scope = *ret_unit;
        return true;
    }
    if (!object->units_known)
        index_units(object);
    size_t low = 0, high = object->n_units;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (object->units[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || object->units[low - 1].end <= address)
        return false;
    *ret_unit = object->units[low - 1].unit;
    *ret_scope = object->units[low - 1].scope;
    return true;
}
