/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/object.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "harness/snapshot/dwarf/alternate.h"
#include "harness/snapshot/module/section.h"
#include "harness/snapshot/module/separate.h"
#include "harness/snapshot/unwind/table.h"

#define MAX_VDSO ((uint64_t) 1024 * 1024)

static void open_vdso(struct sl_modules *modules, struct sl_object *object)
{
    const struct sl_module *module = object->module;
    uint64_t size = module->mapping.end - module->mapping.start;

    if (size > MAX_VDSO)
        return;
    object->image = malloc(size);
    if (object->image && sl_reader_read_cached(sl_modules_reader(modules), module->mapping.start,
                                               object->image, size))
        object->file.elf = elf_memory((char *) object->image, size);
}

static bool has_debug_info(int fd)
{
    struct sl_section section;
    return sl_section_find(fd, ".debug_info", &section);
}

/* Symbols of local functions, packed into a section of a file that has been stripped of the rest.
 */
static void open_packed(struct sl_object *object)
{
    size_t size;
    if (sl_separate_unpack(object->file.fd, &object->image, &size))
        object->packed.elf = elf_memory((char *) object->image, size);
}

/*
 * .symtab names local functions too; it may be in the debug file.  Where it is missing, or was
 * stripped of most, .dynsym has the exported; so has memory, where the file is out of reach.
 */
static void load_symbols(struct sl_modules *modules, struct sl_object *object)
{
    struct sl_symbol_table *table = &object->symbols;

    if (!sl_symbol_table_add(table, object->debug.elf, SHT_SYMTAB) &&
        !sl_symbol_table_add(table, object->file.elf, SHT_SYMTAB) && !object->image) {
        open_packed(object);
        (void) sl_symbol_table_add(table, object->packed.elf, SHT_SYMTAB);
    }
    if (table->n_symbols < sl_symbol_table_count(object->file.elf, SHT_DYNSYM))
        (void) sl_symbol_table_add(table, object->file.elf, SHT_DYNSYM);
    if (!table->n_symbols && !object->file.elf && !object->module->vdso)
        sl_dynamic_add(&object->dynamic, sl_modules_reader(modules), object->module, table);
    sl_symbol_table_sort(table);
}

struct sl_object *sl_object_new(struct sl_modules *modules, struct sl_module *module)
{
    struct sl_object *object = calloc(1, sizeof *object);
    if (!object)
        return NULL;
    (void) elf_version(EV_CURRENT);
    object->module = module;
    object->file.fd = object->debug.fd = object->packed.fd = object->alternate.fd = -1;
    if (module->vdso)
        open_vdso(modules, object);
    else
        (void) sl_debug_file_open(sl_module_open(modules, module), &object->file);
    if (!has_debug_info(object->file.fd))
        (void) sl_debug_file_open(
            sl_separate_open(sl_modules_target(modules), module, object->file.fd), &object->debug);
    load_symbols(modules, object);
    struct sl_debug_file *with_dwarf = object->debug.elf ? &object->debug : &object->file;
    if (has_debug_info(with_dwarf->fd) && sl_debug_file_read(with_dwarf)) {
        (void) sl_debug_file_open(sl_alternate_open(sl_modules_target(modules), with_dwarf->fd),
                                  &object->alternate);
        if (sl_debug_file_read(&object->alternate))
            dwarf_setalt(with_dwarf->dwarf, object->alternate.dwarf);
        object->units = sl_units_new(with_dwarf->dwarf, module);
    }
    return object;
}

void sl_object_free(struct sl_object *object)
{
    if (!object)
        return;
    sl_units_free(object->units);
    sl_symbol_table_release(&object->symbols);
    sl_dynamic_release(&object->dynamic);
    sl_debug_file_close(&object->debug);
    sl_debug_file_close(&object->packed);
    sl_debug_file_close(&object->file);
    sl_debug_file_close(&object->alternate);
    free(object->image);
    free(object);
}

const char *sl_object_symbol(struct sl_object *object, struct sl_modules *modules, uint64_t address)
{
    const struct sl_symbol *symbol = sl_symbol_table_find(&object->symbols, address);

    /* Where the next symbols were stripped, one without a size would take their functions over. */
    if (symbol && symbol->unsized &&
        sl_unwind_table_start(modules, object->module, object->module->bias + address) >
            symbol->start)
        symbol = NULL;
    return symbol ? symbol->name : NULL;
}
