/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/dwarf/file.h"
#include "harness/snapshot/dwarf/memory.h"
#include "harness/snapshot/dwarf/unit.h"
#include "harness/snapshot/module/section.h"
#include "harness/snapshot/module/separate.h"
#include "harness/snapshot/symbol/name.h"
#include "harness/snapshot/symbol/table.h"

struct sl_object {
    struct sl_debug_file file, debug; /* as mapped; the separate one */
    struct sl_debug_file packed;      /* symbols only */
    struct sl_debug_file alternate;   /* what the one with debug information shares with others */
    struct sl_symbol_table symbols;
    struct sl_units *units; /* NULL: no debug information */
    bool too_large;         /* there is some */
};

/* Symbols of local functions, packed into a section of a file that has been stripped of the rest.
 */
static void open_packed(struct sl_object *object)
{
    struct sl_section section;
    uint8_t *image;
    size_t size;

    if (!sl_separate_unpack(object->file.fd, &image, &size)) {
        object->too_large = sl_section_find(object->file.fd, SL_PACKED_SECTION, &section);
        return;
    }
    object->packed.image = image;
    object->packed.elf = elf_memory((char *) image, size);
}

/*
 * .symtab names local functions too; it may be in the debug file.  Where it is missing, or was
 * stripped of most, .dynsym has the exported.
 */
static void load_symbols(struct sl_object *object)
{
    struct sl_symbol_table *table = &object->symbols;

    if (!sl_symbol_table_add(table, object->debug.elf, SHT_SYMTAB) &&
        !sl_symbol_table_add(table, object->file.elf, SHT_SYMTAB)) {
        open_packed(object);
        (void) sl_symbol_table_add(table, object->packed.elf, SHT_SYMTAB);
    }
    if (table->n_symbols < sl_symbol_table_count(object->file.elf, SHT_DYNSYM))
        (void) sl_symbol_table_add(table, object->file.elf, SHT_DYNSYM);
    sl_symbol_table_sort(table);
}

static void load_lines(struct sl_object *object, const struct sl_debugged *debugged)
{
    struct sl_debug_file *file = object->debug.elf ? &object->debug : &object->file;

    if (!sl_debug_file_read(file, debugged->max_bytes)) {
        object->too_large |= file->too_large;
        return;
    }
    if (sl_debug_file_read(&object->alternate, debugged->max_bytes))
        dwarf_setalt(file->dwarf, object->alternate.dwarf);
    object->units = sl_units_new(file->dwarf, debugged);
}

struct sl_object *
sl_object_new(struct sl_symbol_files *files, bool lines, const struct sl_debugged *debugged)
{
    struct sl_object *object = calloc(1, sizeof *object);

    if (!object) {
        sl_symbol_files_close(files);
        return NULL;
    }
    object->packed.fd = -1;
    (void) sl_debug_file_open(SL_TAKE_FD(files->file), &object->file);
    (void) sl_debug_file_open(SL_TAKE_FD(files->debug), &object->debug);
    (void) sl_debug_file_open(SL_TAKE_FD(files->alternate), &object->alternate);
    load_symbols(object);
    if (lines)
        load_lines(object, debugged);
    return object;
}

void sl_object_free(struct sl_object *object)
{
    if (!object)
        return;
    sl_units_free(object->units);
    sl_symbol_table_release(&object->symbols);
    sl_debug_file_close(&object->debug);
    sl_debug_file_close(&object->packed);
    sl_debug_file_close(&object->file);
    sl_debug_file_close(&object->alternate);
    free(object);
}

/* One look-up of debug information, which may be left in the middle. */
struct attempt {
    struct sl_units *units;
    uint64_t address;
    struct sl_source_frames *frames;
};

static void find_frames(void *context)
{
    struct attempt *attempt = context;
    struct sl_code_place code;

    if (sl_units_find(attempt->units, attempt->address, &code))
        sl_source_frames_get(&code, attempt->address, attempt->frames);
}

/* @return false when memory is short; no name, and an empty one, is NULL */
static bool spell(struct sl_arena *arena, const char **name)
{
    const char *raw = *name;

    *name = raw && *raw ? sl_symbol_name(arena, raw) : NULL;
    return *name || !raw || !*raw;
}

static bool spell_all(struct sl_arena *arena, struct sl_code_names *names)
{
    struct sl_source_frames *source = &names->source;
    bool ok = true;

    /* A symbol that surely covers the address is the better name of the function itself. */
    if (names->symbol && !names->symbol_unsized)
        source->frames[source->n - 1].function = NULL;
    ok = spell(arena, &names->symbol);
    for (size_t i = 0; i < source->n && ok; i++) {
        struct sl_source_place *place = &source->frames[i].place;
        ok = spell(arena, &source->frames[i].function);
        if (place->file && strnlen(place->file, SL_MAX_FILE) == SL_MAX_FILE)
            *place = (struct sl_source_place){0};
    }
    return ok;
}

enum sl_status sl_object_look_up(struct sl_object *object, uint64_t address, struct sl_arena *arena,
                                 struct sl_code_names *ret_names)
{
    const struct sl_symbol *symbol = sl_symbol_table_find(&object->symbols, address);
    struct sl_code_names names = {.too_large = object->too_large, .source.n = 1};
    struct attempt attempt = {.units = object->units, .address = address, .frames = &names.source};

    if (symbol) {
        names.symbol = symbol->name;
        names.symbol_start = symbol->start;
        names.symbol_unsized = symbol->unsized;
    }
    if (!sl_dwarf_attempt(find_frames, &attempt) || !spell_all(arena, &names))
        return SL_ENOMEM;
    *ret_names = names;
    return SL_OK;
}
