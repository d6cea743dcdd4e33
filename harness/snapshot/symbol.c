/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol.h"

#include <string.h>

#include <dwarf.h>

#include "base/fail.h"
#include "harness/snapshot/symbol_cache.h"
#include "harness/snapshot/symbol_jit.h"
#include "harness/snapshot/symbol_name.h"
#include "harness/snapshot/symbol_object.h"

#define BUCKETS     1024
#define MAX_INLINED 64

struct entry {
    struct entry *next;
    struct sl_pc pc;
    const struct sl_frame *frames;
    size_t n_frames;
};

struct sl_symbolizer {
    struct sl_modules *modules;
    struct sl_arena *arena;
    bool names;
    struct sl_object *objects;
    struct sl_jit *jit; /* NULL: none, or not asked yet */
    bool jit_asked;
    struct entry *buckets[BUCKETS];
};

/* Where in the source. */
struct place {
    const char *file;
    uint32_t line;
};

/* Frames of one address being put together. */
struct found {
    struct sl_frame frames[MAX_INLINED + 1];
    size_t n;
};

enum sl_status sl_symbolizer_new(struct sl_modules *modules, struct sl_arena *arena, bool names,
                                 struct sl_symbolizer **ret_symbolizer, struct sl_error *err)
{
    struct sl_symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (!symbolizer)
        return sl_fail(err, SL_ENOMEM, "symbolizer");
    symbolizer->modules = modules;
    symbolizer->arena = arena;
    symbolizer->names = names;
    *ret_symbolizer = symbolizer;
    return SL_OK;
}

void sl_symbolizer_free(struct sl_symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    for (struct sl_object *object = symbolizer->objects, *next; object; object = next) {
        next = object->next;
        sl_object_free(object);
    }
    sl_jit_free(symbolizer->jit);
    free(symbolizer); /* entries are the arena's */
}

void sl_symbolizer_adopt(struct sl_symbolizer *symbolizer, struct sl_object *object)
{
    object->next = symbolizer->objects;
    symbolizer->objects = object;
}

static struct sl_object *find_object(struct sl_symbolizer *symbolizer, struct sl_module *module)
{
    for (struct sl_object *object = symbolizer->objects; object; object = object->next)
        if (object->module == module)
            return object;
    struct sl_object *object = sl_object_new(symbolizer->modules, module);
    if (object)
        sl_symbolizer_adopt(symbolizer, object);
    return object;
}

static struct place line_of(Dwarf_Die *unit, uint64_t address)
{
    struct place place = {0};
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number;

    if (!line)
        return place;
    place.file = dwarf_linesrc(line, NULL, NULL);
    if (place.file && dwarf_lineno(line, &number) == 0 && number > 0)
        place.line = (uint32_t) number;
    return place;
}

/* Where the function of an inlined copy was called. */
static struct place call_place(Dwarf_Die *unit, Dwarf_Die *inlined)
{
    struct place place = {0};
    Dwarf_Attribute attribute;
    Dwarf_Word file, line;
    Dwarf_Files *files;
    size_t n_files;

    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) ||
        dwarf_getsrcfiles(unit, &files, &n_files) || file >= n_files)
        return place;
    place.file = dwarf_filesrc(files, file, NULL, NULL);
    if (place.file && dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0)
        place.line = (uint32_t) line;
    return place;
}

static const char *name_of(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
    if (!name)
        name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attribute));
    return name;
}

static bool is_subroutine(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* The function or inlined copy that the address is in, with all that encloses it. */
static int enclosing(Dwarf_Die *scope, uint64_t address, Dwarf_Die **ret_scopes)
{
    Dwarf_Die *lexical = NULL;
    int n = dwarf_getscopes(scope, address, &lexical), i = 0;

    while (i < n && !is_subroutine(&lexical[i]))
        i++;
    /* What follows an inlined copy there is where it was written; here, where it was put. */
    n = i < n ? dwarf_getscopes_die(&lexical[i], ret_scopes) : 0;
    free(lexical);
    return n;
}

static bool add(struct sl_symbolizer *symbolizer, struct found *found, const char *function,
                struct place place, bool inlined)
{
    struct sl_frame *frame = &found->frames[found->n++];
    *frame = (struct sl_frame){.line = place.line, .inlined = inlined};
    if (function && !(frame->function = sl_symbol_name(symbolizer->arena, function)))
        return false;
    frame->file = sl_arena_strdup(symbolizer->arena, place.file);
    return !place.file || frame->file;
}

/* Inlined functions, then the one that has the code. */
static bool add_functions(struct sl_symbolizer *symbolizer, struct sl_object *object,
                          uint64_t address, struct found *found)
{
    const char *function = sl_object_symbol(object, symbolizer->modules, address);
    SL_AUTO_FREE Dwarf_Die *scopes = NULL;
    struct place place = {0};
    Dwarf_Die unit, scope;
    bool ok = true;

    if (sl_object_find_unit(object, address, &unit, &scope)) {
        place = line_of(&unit, address);
        int n = enclosing(&scope, address, &scopes);
        for (int i = 0; i < n && ok; i++) {
            if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram) {
                if (!function)
                    function = name_of(&scopes[i]);
                break;
            }
            if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine || found->n == MAX_INLINED)
                continue;
            ok = add(symbolizer, found, name_of(&scopes[i]), place, true);
            place = call_place(&unit, &scopes[i]);
        }
    }
    return ok && add(symbolizer, found, function, place, false);
}

/* What the file says of the code at the address. */
static bool look_up_in_file(struct sl_symbolizer *symbolizer, struct sl_module *module,
                            uint64_t address, struct found *found)
{
    found->n = sl_symbol_cache_find(module, address, found->frames, SL_COUNT_OF(found->frames));
    if (found->n)
        return true;
    struct sl_object *object = find_object(symbolizer, module);
    if (!object || !add_functions(symbolizer, object, address, found))
        return false;
    if (found->frames[found->n - 1].function) /* else the file may be within reach next time */
        sl_symbol_cache_add(module, address, found->frames, found->n);
    return true;
}

/* What a just-in-time compiler says of an address; NULL when it says nothing. */
static const char *jit_name(struct sl_symbolizer *symbolizer, uint64_t address)
{
    if (!symbolizer->jit_asked)
        symbolizer->jit = sl_jit_new(sl_modules_target(symbolizer->modules));
    symbolizer->jit_asked = true;
    return symbolizer->jit ? sl_jit_find(symbolizer->jit, address, symbolizer->arena) : NULL;
}

static bool look_up(struct sl_symbolizer *symbolizer, const struct sl_maps *maps,
                    const struct sl_pc *pc, struct found *found)
{
    uint64_t address = pc->exact ? pc->address : pc->address - 1;
    struct sl_module *module = sl_modules_find(symbolizer->modules, maps, address);
    const struct sl_mapping *mapping = sl_maps_find(maps, address);

    found->n = 0;
    if (!module || !symbolizer->names) {
        if (!add(symbolizer, found, NULL, (struct place){0}, false))
            return false;
    } else if (!look_up_in_file(symbolizer, module, address - module->bias, found)) {
        return false;
    }
    const char *path = module ? module->path : NULL;
    if (!path && mapping && mapping->inode) /* a file, but no ELF: code mapped by a runtime */
        path = sl_arena_strdup(symbolizer->arena, mapping->path);
    if (!module && symbolizer->names && mapping &&
        (found->frames[0].function = jit_name(symbolizer, address)))
        path = SL_JIT_MODULE;
    for (size_t i = 0; i < found->n; i++) {
        found->frames[i].address = pc->address;
        found->frames[i].module = path;
    }
    return true;
}

bool sl_symbolizer_look_up(struct sl_symbolizer *symbolizer, const struct sl_maps *maps,
                           const struct sl_pc *pc, const struct sl_frame **ret_frames,
                           size_t *ret_n_frames)
{
    struct entry **bucket = &symbolizer->buckets[(pc->address ^ pc->address >> 12) % BUCKETS];
    struct entry *entry = *bucket;

    while (entry && (entry->pc.address != pc->address || entry->pc.exact != pc->exact))
        entry = entry->next;
    if (!entry) {
        struct found found;
        if (!look_up(symbolizer, maps, pc, &found))
            return false;
        struct sl_frame *frames = sl_arena_array(symbolizer->arena, found.n, sizeof *frames);
        entry = sl_arena_alloc(symbolizer->arena, sizeof *entry);
        if (!frames || !entry)
            return false;
        memcpy(frames, found.frames, found.n * sizeof *frames);
        *entry = (struct entry){.next = *bucket, .pc = *pc, .frames = frames, .n_frames = found.n};
        *bucket = entry;
    }
    *ret_frames = entry->frames;
    *ret_n_frames = entry->n_frames;
    return true;
}
