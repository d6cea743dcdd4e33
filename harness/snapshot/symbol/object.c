/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

#include "base/macros.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/module/image.h"
#include "harness/snapshot/module/section.h"
#include "harness/snapshot/module/separate.h"
#include "harness/snapshot/target/regular.h"
#include "harness/snapshot/target/target.h"
#include "harness/snapshot/unwind/table.h"

#define MAX_LINK 4096
#define MAX_VDSO ((uint64_t) 1024 * 1024)

/* The file into which dwz moved what several files with debug information have in common. */
struct link {
    const char *name;
    const uint8_t *id;
    size_t id_size;
};

/* Notes end with their contents, and this one is alone in its section. */
static bool has_id(int fd, const void *context)
{
    const struct link *link = context;
    SL_AUTO_FREE uint8_t *note = NULL;
    size_t size;

    return sl_section_load(fd, ".note.gnu.build-id", &note, &size) && size >= link->id_size &&
           memcmp(note + size - link->id_size, link->id, link->id_size) == 0;
}

/* A name that does not begin at the root is relative to the folder of the file that has it. */
static int open_by_name(const struct sl_target *target, int fd, const struct link *link)
{
    char name[64], file[MAX_LINK], path[2 * MAX_LINK + 2];

    if (*link->name == '/')
        return sl_regular_open_either(target, link->name, has_id, link);
    (void) snprintf(name, sizeof name, "/proc/thread-self/fd/%d", fd);
    ssize_t length = readlink(name, file, sizeof file - 1);
    if (length <= 0)
        return -1;
    file[length] = 0;
    (void) snprintf(path, sizeof path, "%.*s%s", (int) (sl_path_base(file) - file), file,
                    link->name);
    return sl_regular_open_either(target, path, has_id, link);
}

static int open_by_id(const struct sl_target *target, const struct link *link)
{
    char id[2 * SL_MAX_BUILD_ID + 1], path[256];

    for (size_t i = 0; i < link->id_size; i++)
        (void) snprintf(id + 2 * i, 3, "%02x", link->id[i]);
    (void) snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
    return sl_regular_open_either(target, path, has_id, link);
}

/*
 * Descriptor of the file that .gnu_debugaltlink of the file `fd` names, or -1: where it says,
 * or by its build-id, which it has in any case.
 */
static int open_alternate(const struct sl_target *target, int fd)
{
    static const char section_name[] = ".gnu_debugaltlink";
    SL_AUTO_FREE uint8_t *data = NULL;
    struct sl_section section;
    size_t size;

    if (!sl_section_find(fd, section_name, &section) || section.size > MAX_LINK ||
        !sl_section_load(fd, section_name, &data, &size))
        return -1;
    size_t length = strnlen((const char *) data, size);
    const struct link link = {.name = (const char *) data,
                              .id = data + length + 1,
                              .id_size = length < size ? size - length - 1 : 0};
    if (!length || length >= MAX_LINK || link.id_size < 2 || link.id_size > SL_MAX_BUILD_ID)
        return -1;
    int found = open_by_name(target, fd, &link);
    return found >= 0 ? found : open_by_id(target, &link);
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
        (void) sl_debug_file_open(open_alternate(sl_modules_target(modules), with_dwarf->fd),
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
