/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/symbol.h"

#include <string.h>

#include "base/fail.h"
#include "harness/snapshot/dwarf/inline.h"
#include "harness/snapshot/symbol/cache.h"
#include "harness/snapshot/symbol/jit.h"
#include "harness/snapshot/symbol/name.h"
#include "harness/snapshot/symbol/object.h"
#include "harness/snapshot/unwind/table.h"

#define FEW_BUCKETS ((size_t) 1024) /* of the index, which grows with its entries */

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
    struct entry **buckets;
    size_t n_buckets, n_entries;
};

/* Frames of one address being put together. */
struct found {
    struct sl_frame frames[SL_MAX_INLINED + 1];
    size_t n;
};

enum sl_status sl_symbolizer_new(struct sl_modules *modules, struct sl_arena *arena, bool names,
                                 struct sl_symbolizer **ret_symbolizer, struct sl_error *err)
{
    SL_AUTO(sl_symbolizer) struct sl_symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (symbolizer)
        symbolizer->buckets = calloc(FEW_BUCKETS, sizeof(struct entry *));
    if (!symbolizer || !symbolizer->buckets)
        return sl_fail(err, SL_ENOMEM, "out of memory for symbolizer");
    symbolizer->n_buckets = FEW_BUCKETS;
    symbolizer->modules = modules;
    symbolizer->arena = arena;
    symbolizer->names = names;
    *ret_symbolizer = SL_TAKE(symbolizer);
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
    free(symbolizer->buckets); /* entries are the arena's */
    free(symbolizer);
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

static bool add(struct sl_symbolizer *symbolizer, struct found *found, const char *function,
                struct sl_source_place place, bool inlined)
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
    const char *symbol = sl_object_symbol(object, symbolizer->modules, address);
    struct sl_source_frames source = {.n = 1};
    struct sl_code_place code;
    bool ok = true;

    if (sl_units_find(object->units, symbolizer->modules, address, &code))
        sl_source_frames_get(&code, address, &source);
    if (symbol)
        source.frames[source.n - 1].function = symbol;
    for (size_t i = 0; i < source.n && ok; i++)
        ok = add(symbolizer, found, source.frames[i].function, source.frames[i].place,
                 i + 1 < source.n);
    return ok;
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

/* Tell the code apart from any other: the module's own address for it, and whose that is. */
static void place_in_module(struct sl_symbolizer *symbolizer, struct sl_module *module,
                            const struct sl_pc *pc, uint64_t address, struct found *found)
{
    const struct sl_frame *outermost = &found->frames[found->n - 1];
    uint64_t start =
        outermost->function ? 0 : sl_unwind_table_start(symbolizer->modules, module, address);

    module->framed = true;
    for (size_t i = 0; i < found->n; i++) {
        found->frames[i].module = module->path;
        found->frames[i].offset = pc->address - module->bias;
        found->frames[i].build_id = module->build_id_text;
        found->frames[i].start = start;
    }
}

/* Code of no ELF object has one frame. */
static bool place_in_mapping(struct sl_symbolizer *symbolizer, const struct sl_mapping *mapping,
                             const struct sl_pc *pc, struct sl_frame *frame)
{
    frame->offset = pc->address - mapping->start;
    if (!mapping->inode) {
        frame->region = mapping->region;
        return true;
    }
    frame->offset += mapping->offset;
    frame->module = sl_arena_strdup(symbolizer->arena, mapping->path);
    return frame->module;
}

static bool look_up(struct sl_symbolizer *symbolizer, const struct sl_maps *maps,
                    const struct sl_pc *pc, struct found *found)
{
    uint64_t address = pc->exact ? pc->address : pc->address - 1;
    struct sl_module *module = sl_modules_find(symbolizer->modules, maps, address);
    const struct sl_mapping *mapping = sl_maps_find(maps, address);
    bool names = symbolizer->names;

    found->n = 0;
    if (module && names && sl_budget_is_over(sl_modules_target(symbolizer->modules)->budget)) {
        sl_module_skip(module, sl_budget_text(SL_BUDGET_TIME));
        names = false;
    }
    if (!module || !names) {
        if (!add(symbolizer, found, NULL, (struct sl_source_place){0}, false))
            return false;
    } else if (!look_up_in_file(symbolizer, module, address - module->bias, found)) {
        return false;
    }
    for (size_t i = 0; i < found->n; i++)
        found->frames[i].address = pc->address;
    if (module)
        place_in_module(symbolizer, module, pc, address, found);
    else if (mapping && !place_in_mapping(symbolizer, mapping, pc, &found->frames[0]))
        return false;
    if (names && mapping && (!module || !mapping->inode) && found->n == 1 &&
        !found->frames[0].function && (found->frames[0].function = jit_name(symbolizer, address)))
        found->frames[0].module = SL_JIT_MODULE;
    return true;
}

static struct entry **find_bucket(const struct sl_symbolizer *symbolizer, const struct sl_pc *pc)
{
    return &symbolizer->buckets[(pc->address ^ pc->address >> 12) & (symbolizer->n_buckets - 1)];
}

/* Twice the buckets, unless memory is short, which costs time only. */
static void spread(struct sl_symbolizer *symbolizer)
{
    struct entry **old = symbolizer->buckets;
    size_t n_old = symbolizer->n_buckets;
    struct entry **buckets = calloc(2 * n_old, sizeof(struct entry *));

    if (!buckets)
        return;
    symbolizer->buckets = buckets;
    symbolizer->n_buckets = 2 * n_old;
    for (size_t i = 0; i < n_old; i++) {
        for (struct entry *entry = old[i], *next; entry; entry = next) {
            struct entry **bucket = find_bucket(symbolizer, &entry->pc);
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    free(old);
}

static bool add_entry(struct sl_symbolizer *symbolizer, const struct sl_pc *pc,
                      const struct found *found, struct entry **ret_entry)
{
    struct sl_frame *frames = sl_arena_array(symbolizer->arena, found->n, sizeof *frames);
    struct entry *entry = sl_arena_alloc(symbolizer->arena, sizeof *entry);

    if (!frames || !entry)
        return false;
    if (++symbolizer->n_entries > symbolizer->n_buckets)
        spread(symbolizer);
    struct entry **bucket = find_bucket(symbolizer, pc);
    memcpy(frames, found->frames, found->n * sizeof *frames);
    *entry = (struct entry){.next = *bucket, .pc = *pc, .frames = frames, .n_frames = found->n};
    *ret_entry = *bucket = entry;
    return true;
}

bool sl_symbolizer_look_up(struct sl_symbolizer *symbolizer, const struct sl_maps *maps,
                           const struct sl_pc *pc, const struct sl_frame **ret_frames,
                           size_t *ret_n_frames)
{
    struct entry *entry = *find_bucket(symbolizer, pc);

    while (entry && (entry->pc.address != pc->address || entry->pc.exact != pc->exact))
        entry = entry->next;
    if (!entry) {
        struct found found;
        if (!look_up(symbolizer, maps, pc, &found) || !add_entry(symbolizer, pc, &found, &entry))
            return false;
    }
    *ret_frames = entry->frames;
    *ret_n_frames = entry->n_frames;
    return true;
}
