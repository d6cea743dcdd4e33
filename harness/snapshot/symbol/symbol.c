/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/symbol.h"

#include <string.h>

#include "base/fail.h"
#include "harness/snapshot/cache/known.h"
#include "harness/snapshot/symbol/jit.h"
#include "harness/snapshot/symbol/remote.h"
#include "harness/snapshot/symbol/serve.h"
#include "harness/snapshot/unwind/table.h"

#define FEW_BUCKETS ((size_t) 1024) /* of the index, which grows with its entries */

struct entry {
    struct entry *next;
    struct sl_pc pc;
    const struct sl_frame *frames;
    size_t n_frames;
};

/* A module that was asked for. */
struct known {
    struct known *next;
    struct sl_module_names *names;
};

struct sl_symbolizer {
    struct sl_modules *modules;
    struct sl_arena *arena;
    bool names;
    struct sl_remote *remote;
    struct sl_store *store; /* NULL: none */
    struct known *known;
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
    if (symbolizer) {
        symbolizer->buckets = calloc(FEW_BUCKETS, sizeof(struct entry *));
        symbolizer->remote = sl_remote_new(modules, sl_serve_names);
    }
    if (!symbolizer || !symbolizer->buckets || !symbolizer->remote)
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
    for (struct known *known = symbolizer->known; known; known = known->next) {
        sl_module_names_keep(known->names, symbolizer->store);
        sl_module_names_module(known->names)->names = NULL;
        sl_module_names_free(known->names);
    }
    sl_remote_free(symbolizer->remote);
    sl_jit_free(symbolizer->jit);
    free(symbolizer->buckets); /* entries are the arena's */
    free(symbolizer);
}

void sl_symbolizer_use(struct sl_symbolizer *symbolizer, struct sl_store *store)
{
    symbolizer->store = store;
}

const struct sl_store *sl_symbolizer_store(const struct sl_symbolizer *symbolizer)
{
    return symbolizer->store;
}

bool sl_symbolizer_adopt(struct sl_symbolizer *symbolizer, struct sl_module_names *names)
{
    struct known *known = sl_arena_alloc(symbolizer->arena, sizeof *known);

    if (!known) {
        sl_module_names_free(names);
        return false;
    }
    sl_module_names_move(names, symbolizer->modules);
    *known = (struct known){.next = symbolizer->known, .names = names};
    symbolizer->known = known;
    sl_module_names_module(names)->names = names;
    return true;
}

/* @return NULL when memory is short */
static struct sl_module_names *names_of(struct sl_symbolizer *symbolizer, struct sl_module *module)
{
    if (module->names)
        return module->names;
    struct sl_module_names *names = sl_module_names_new(symbolizer->modules, module);
    return names && sl_symbolizer_adopt(symbolizer, names) ? names : NULL;
}

/*
 * Does a symbol without a size cover the address?  Where the next symbols were stripped, it would
 * take their functions over; unwind tables know where functions begin.
 */
static bool covers(struct sl_symbolizer *symbolizer, struct sl_module *module,
                   const struct sl_code_names *names, uint64_t address)
{
    return names->symbol && (!names->symbol_unsized ||
                             sl_unwind_table_start(symbolizer->modules, module,
                                                   module->bias + address) <= names->symbol_start);
}

/* Inlined functions, then the one that has the code. */
static bool add_functions(struct sl_symbolizer *symbolizer, struct sl_module_names *of_module,
                          uint64_t address, struct found *found)
{
    struct sl_module *module = sl_module_names_module(of_module);
    struct sl_code_names names;

    if (sl_module_names_look_up(of_module, symbolizer->remote, address, symbolizer->arena, &names))
        return false;
    for (size_t i = 0; i < names.source.n; i++) {
        const struct sl_source_frame *frame = &names.source.frames[i];
        found->frames[found->n++] =
            (struct sl_frame){.function = frame->function,
                              .file = sl_arena_strdup(symbolizer->arena, frame->place.file),
                              .line = frame->place.line,
                              .inlined = i + 1 < names.source.n};
        if (frame->place.file && !found->frames[i].file)
            return false;
    }
    if (covers(symbolizer, module, &names, address))
        found->frames[found->n - 1].function = names.symbol;
    return true;
}

/* What the file says of the code at the address. */
static bool look_up_in_file(struct sl_symbolizer *symbolizer, struct sl_module *module,
                            uint64_t address, struct found *found)
{
    struct sl_module_names *names = names_of(symbolizer, module);
    const struct sl_file_identity *file = names ? sl_module_names_identity(names) : NULL;

    if (!names)
        return false;
    sl_module_names_recall(names, symbolizer->store);
    found->n = sl_known_find(module, file, address, found->frames, SL_COUNT_OF(found->frames));
    if (found->n)
        return true;
    if (!add_functions(symbolizer, names, address, found))
        return false;
    if (found->frames[found->n - 1].function) /* else the file may be within reach next time */
        sl_known_add(module, file, address, found->frames, found->n, sl_module_names_source(names));
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
        found->frames[found->n++] = (struct sl_frame){0};
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
