/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/live/functions.h"

#include <string.h>

#include "harness/goroutine/state.h"
#include "harness/snapshot/target/budget.h"

#define MAX_TEXT     4096                 /* of a name or a path */
#define MAX_CODE     ((uint64_t) 1 << 26) /* of a function */
#define MAX_STEPS    (1 << 20)            /* through the values of one function */
#define MAX_INLINED  64
#define INLINE_INDEX 2 /* PCDATA_InlTreeIndex */
#define INLINE_TREE  3 /* FUNCDATA_InlTree */
#define TOP_OF_STACK 1 /* of the flags of a function */
#define WRITES_SP    2
#define MAX_RECORD   64

/* The record of a function. */
struct function {
    uint64_t entry, end;
    uint64_t offset; /* of the record */
    uint8_t bytes[MAX_RECORD];
    const struct layout_func *layout;
};

static uint32_t field(const struct function *function, uint8_t offset)
{
    uint32_t value;
    memcpy(&value, function->bytes + offset, sizeof value);
    return value;
}

/* An entry of the index, of which the last is the end of the one before. */
static bool read_index(const struct live_functions *functions, uint64_t i, uint64_t *ret_entry,
                       uint64_t *ret_offset)
{
    const struct live_image *image = functions->image;
    uint64_t wide[2];
    uint32_t narrow[2];

    if (image->layout->func->wide) {
        if (!image_read(functions->reader, &image->index, i * sizeof wide, wide, sizeof wide))
            return false;
        *ret_entry = wide[0];
        *ret_offset = wide[1];
        return true;
    }
    if (!image_read(functions->reader, &image->index, i * sizeof narrow, narrow, sizeof narrow))
        return false;
    *ret_entry = image->text.start + narrow[0];
    *ret_offset = narrow[1];
    return true;
}

static uint64_t count(const struct live_functions *functions)
{
    const struct live_image *image = functions->image;
    uint64_t n = image->index.size / (image->layout->func->wide ? 16 : 8);

    return n ? n - 1 : 0;
}

static bool
read_function(const struct live_functions *functions, uint64_t i, struct function *ret_function)
{
    const struct live_image *image = functions->image;
    uint64_t offset_behind;

    ret_function->layout = image->layout->func;
    return read_index(functions, i, &ret_function->entry, &ret_function->offset) &&
           read_index(functions, i + 1, &ret_function->end, &offset_behind) &&
           image_read(functions->reader, &image->records, ret_function->offset, ret_function->bytes,
                      image->layout->func->size);
}

static bool
find_function(const struct live_functions *functions, uint64_t pc, struct function *ret_function)
{
    uint64_t low = 0, high = count(functions), entry, offset;

    if (pc - functions->image->text.start >= functions->image->text.size)
        return false;
    while (low < high) { /* the first that begins behind it */
        uint64_t middle = low + (high - low) / 2;
        if (!read_index(functions, middle, &entry, &offset))
            return false;
        if (entry <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low && read_function(functions, low - 1, ret_function) && pc >= ret_function->entry &&
           pc < ret_function->end && ret_function->end - ret_function->entry <= MAX_CODE;
}

/* A text with a NUL behind it, into MAX_TEXT bytes.  @return its size; 0: none */
static size_t read_text(const struct live_functions *functions, const struct live_span *span,
                        uint64_t offset, char *text)
{
    for (size_t size = 0; size < MAX_TEXT && offset + size < span->size;) {
        const uint64_t at = offset + size;
        const size_t part = (size_t) SL_MIN(SL_MIN(MAX_TEXT - size, 64), span->size - at);
        if (!image_read(functions->reader, span, at, text + size, part))
            return 0;
        const char *end = memchr(text + size, 0, part);
        if (end)
            return (size_t) (end - text);
        size += part;
    }
    return 0;
}

/* What a generic function is made for goes as "[...]", as in a traceback. */
static size_t shorten(char *name, size_t size)
{
    static const char any[] = "[...]";
    const char *first = memchr(name, '[', size), *last = memrchr(name, ']', size);

    if (!first || !last || last < first || (size_t) (last + 1 - first) < sizeof any - 1)
        return size;
    const size_t before = (size_t) (first - name), behind = size - (size_t) (last + 1 - name);
    memmove(name + before + sizeof any - 1, last + 1, behind);
    memcpy(name + before, any, sizeof any - 1);
    return before + sizeof any - 1 + behind;
}

/* NULL: none, or memory is short. */
static const char *read_name(const struct live_functions *functions, uint64_t offset)
{
    char text[MAX_TEXT], name[MAX_TEXT];
    size_t size = read_text(functions, &functions->image->names, offset, text);

    if (!size)
        return NULL;
    size = goroutine_function_name(name, text, shorten(text, size));
    return intern_text(functions->intern, name, size);
}

static const char *read_path(const struct live_functions *functions, uint64_t offset)
{
    char text[MAX_TEXT];
    size_t size = read_text(functions, &functions->image->files, offset, text);

    return size ? intern_text(functions->intern, text, size) : NULL;
}

/* Numbers of variable length, one behind the other. */
struct numbers {
    const struct live_functions *functions;
    uint64_t at; /* in the table of values */
    uint8_t bytes[64];
    size_t next, n;
};

static bool next_number(struct numbers *numbers, uint32_t *ret_number)
{
    const struct live_span *values = &numbers->functions->image->values;
    uint32_t number = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (numbers->next == numbers->n) {
            if (numbers->at >= values->size)
                return false;
            numbers->n = (size_t) SL_MIN(sizeof numbers->bytes, values->size - numbers->at);
            if (!image_read(numbers->functions->reader, values, numbers->at, numbers->bytes,
                            numbers->n))
                return false;
            numbers->at += numbers->n;
            numbers->next = 0;
        }
        uint8_t byte = numbers->bytes[numbers->next++];
        number |= (uint32_t) (byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}

/* The value at an address: pairs say by how much it changes, and after how much code. */
static bool find_value(const struct live_functions *functions, const struct function *function,
                       uint32_t table, uint64_t pc, int32_t *ret_value)
{
    struct numbers numbers = {.functions = functions, .at = table};
    uint64_t at = function->entry;
    uint32_t value = UINT32_MAX, change, length;

    for (int step = 0; table && step < MAX_STEPS; step++) {
        if (!next_number(&numbers, &change) || (!change && step) || !next_number(&numbers, &length))
            return false;
        value += change & 1 ? ~(change >> 1) : change >> 1;
        at += length;
        if (pc < at) {
            *ret_value = (int32_t) value;
            return true;
        }
    }
    return false;
}

static void find_line(const struct live_functions *functions, const struct function *function,
                      uint64_t pc, struct sl_frame *frame)
{
    const struct layout_func *layout = function->layout;
    int32_t file, line;
    uint32_t offset;

    if (!find_value(functions, function, field(function, layout->pcfile), pc, &file) ||
        !find_value(functions, function, field(function, layout->pcln), pc, &line) || file < 0 ||
        line < 0 ||
        !image_read(functions->reader, &functions->image->units,
                    ((uint64_t) field(function, layout->cu) + (uint32_t) file) * sizeof offset,
                    &offset, sizeof offset))
        return;
    frame->file = read_path(functions, offset);
    frame->line = frame->file ? (uint32_t) line : 0;
}

/* Where the tree of inlined calls is, and which values point into it. */
static bool find_tree(const struct live_functions *functions, const struct function *function,
                      uint64_t *ret_tree, uint32_t *ret_table)
{
    const struct layout_func *layout = function->layout;
    const struct live_span *records = &functions->image->records;
    const uint64_t n_values = field(function, layout->npcdata);
    uint64_t behind = function->offset + layout->size + n_values * sizeof(uint32_t);
    uint32_t offset;

    if (n_values <= INLINE_INDEX || function->bytes[layout->nfuncdata] <= INLINE_TREE ||
        !image_read(functions->reader, records,
                    function->offset + layout->size + INLINE_INDEX * sizeof(uint32_t), ret_table,
                    sizeof *ret_table))
        return false;
    if (layout->wide) {
        behind = (records->start + behind + 7) / 8 * 8 - records->start;
        return image_read(functions->reader, records, behind + INLINE_TREE * sizeof *ret_tree,
                          ret_tree, sizeof *ret_tree) &&
               *ret_tree;
    }
    if (!image_read(functions->reader, records, behind + INLINE_TREE * sizeof offset, &offset,
                    sizeof offset) ||
        offset == UINT32_MAX)
        return false;
    *ret_tree = functions->image->funcdata + offset;
    return true;
}

static uint8_t traits_of(const struct live_functions *functions, const char *name, uint8_t id)
{
    uint8_t traits = id == functions->wrapper ? PLACE_WRAPPER : 0;

    if (name && (strcmp(name, "panic") == 0 || strcmp(name, "runtime.sigpanic") == 0 ||
                 strcmp(name, "runtime.panicwrap") == 0))
        traits |= PLACE_PANICS;
    return traits;
}

/* The calls that were inlined at pc go into the frames, which have room. */
static size_t find_inlined(const struct live_functions *functions, const struct function *function,
                           uint64_t *pc, struct sl_frame *frames, uint8_t *traits)
{
    const struct layout_func *layout = function->layout;
    uint8_t call[MAX_RECORD];
    uint32_t table, name, parent;
    uint64_t tree;
    int32_t index;
    size_t n = 0;

    if (!find_tree(functions, function, &tree, &table))
        return 0;
    while (n < MAX_INLINED && find_value(functions, function, table, *pc, &index) && index >= 0 &&
           sl_reader_read_cached(functions->reader, tree + (uint64_t) index * layout->inlined_size,
                                 call, layout->inlined_size)) {
        memcpy(&name, call + layout->inlined_name, sizeof name);
        memcpy(&parent, call + layout->inlined_pc, sizeof parent);
        frames[n] = (struct sl_frame){.function = read_name(functions, name), .inlined = true};
        find_line(functions, function, *pc, &frames[n]);
        traits[n] = traits_of(functions, frames[n].function, call[layout->inlined_id]);
        n++;
        if (parent >= function->end - function->entry)
            break;
        *pc = function->entry + parent;
    }
    return n;
}

static bool describe(struct live_functions *functions, struct live_place *place)
{
    struct sl_frame frames[MAX_INLINED + 1];
    uint8_t traits[MAX_INLINED + 1];
    struct function function;
    uint64_t pc = place->pc;
    size_t n = 0;
    int32_t size;

    frames[0] = (struct sl_frame){.address = pc};
    traits[0] = 0;
    if (find_function(functions, pc, &function)) {
        const struct layout_func *layout = function.layout;
        place->known = true;
        place->name = read_name(functions, field(&function, layout->name));
        place->end = function.bytes[layout->flag] & TOP_OF_STACK || goroutine_is_end(place->name);
        place->faulted = place->name && strcmp(place->name, "runtime.sigpanic") == 0;
        place->lost = function.bytes[layout->flag] & WRITES_SP &&
                      !(place->name && strcmp(place->name, "runtime.cgocallback") == 0);
        if (find_value(functions, &function, field(&function, layout->pcsp), pc, &size))
            place->size = size;
        pc -= !place->exact && pc > function.entry;
        n = find_inlined(functions, &function, &pc, frames, traits);
        frames[n] = (struct sl_frame){.address = place->pc, .function = place->name};
        traits[n] = traits_of(functions, place->name, function.bytes[layout->id]);
        find_line(functions, &function, pc, &frames[n]);
        for (size_t i = 0; i < n; i++)
            frames[i].address = place->pc;
    }
    place->n_frames = n + 1;
    place->frames = sl_arena_array(functions->arena, place->n_frames, sizeof *frames);
    place->traits = sl_arena_array(functions->arena, place->n_frames, sizeof *traits);
    if (!place->frames || !place->traits)
        return false;
    memcpy(place->frames, frames, place->n_frames * sizeof *frames);
    memcpy(place->traits, traits, place->n_frames * sizeof *traits);
    return true;
}

const struct live_place *functions_find(struct live_functions *functions, uint64_t pc, bool exact)
{
    const uint64_t key[2] = {pc, exact};
    const uint64_t hash = intern_hash(functions->intern, key, sizeof key);
    struct intern_slot *slot;

    if (!intern_reserve(&functions->places))
        return NULL;
    for (size_t at = 0; (slot = intern_probe(&functions->places, hash, &at))->item;) {
        const struct live_place *place = slot->item;
        if (place->pc == pc && place->exact == exact)
            return place;
    }
    if (!sl_budget_take(functions->budget, SL_BUDGET_FRAMES, 1))
        return NULL;
    struct live_place *place = sl_arena_alloc(functions->arena, sizeof *place);
    if (!place)
        return NULL;
    *place = (struct live_place){.pc = pc, .exact = exact, .size = -1};
    if (!describe(functions, place))
        return NULL;
    *slot = (struct intern_slot){hash, place};
    functions->places.n++;
    return place;
}

const char *functions_name(struct live_functions *functions, uint64_t pc)
{
    struct function function;

    if (!find_function(functions, pc, &function))
        return NULL;
    return read_name(functions, field(&function, function.layout->name));
}

/* Offset of a name with a NUL on each side. */
static bool
find_name(const struct live_functions *functions, const char *name, uint32_t *ret_offset)
{
    const struct live_span *names = &functions->image->names;
    const size_t length = strlen(name) + 1;
    SL_AUTO_FREE char *all = names->size <= UINT32_MAX ? malloc(names->size) : NULL;

    if (!all || sl_reader_read(functions->reader, names->start, all, names->size) != names->size)
        return false;
    for (const char *at = all, *end = all + names->size;
         (at = memmem(at, (size_t) (end - at), name, length)); at++)
        if (at > all && !at[-1]) {
            *ret_offset = (uint32_t) (at - all);
            return true;
        }
    return false;
}

bool functions_find_named(struct live_functions *functions, const char *name,
                          struct live_function *ret_function)
{
    struct function function;
    uint32_t offset;

    if (!find_name(functions, name, &offset))
        return false;
    for (uint64_t i = 0; i < count(functions) && !sl_budget_is_over(functions->budget); i++) {
        if (!read_function(functions, i, &function) ||
            field(&function, function.layout->name) != offset || function.end <= function.entry)
            continue;
        *ret_function =
            (struct live_function){.code = {function.entry, function.end - function.entry},
                                   .id = function.bytes[function.layout->id]};
        return true;
    }
    return false;
}

void functions_release(struct live_functions *functions)
{
    free(functions->places.slots);
}
