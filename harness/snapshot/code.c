/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/code.h"

#include <string.h>

#include "base/fail.h"
#include "base/hash.h"

#define MAX_MAPS_READS     4
#define DEFAULT_MAX_FRAMES 256
#define BUCKETS            4096

struct entry {
    struct entry *next;    /* in the bucket */
    struct entry *pending; /* next one without frames */
    uint64_t hash;
    const struct sl_pc *pcs;
    size_t n_pcs;
    enum sl_unwind_end end;
    struct sl_stack stack;
};

/* Threads with equal frames share a stack, which is the arena's. */
struct sl_stacks {
    struct entry *pending;
    struct entry *buckets[BUCKETS];
};

static bool equal(const struct entry *entry, const struct sl_pc *pcs, size_t n_pcs)
{
    if (entry->n_pcs != n_pcs)
        return false;
    for (size_t i = 0; i < n_pcs; i++)
        if (entry->pcs[i].address != pcs[i].address || entry->pcs[i].exact != pcs[i].exact ||
            entry->pcs[i].by_frame_pointer != pcs[i].by_frame_pointer)
            return false;
    return true;
}

/* Bytes of a copy of the frames with all that they name: who shows them makes one. */
static uint64_t weigh(const struct sl_frame *frames, size_t n)
{
    uint64_t weight = n * sizeof *frames;

    for (size_t i = 0; i < n; i++) {
        const char *const texts[] = {frames[i].function, frames[i].file, frames[i].module,
                                     frames[i].build_id};
        for (size_t k = 0; k < SL_COUNT_OF(texts); k++)
            weight += texts[k] ? strlen(texts[k]) : 0;
    }
    return weight;
}

/* Addresses alone, and why. */
static bool keep_addresses(struct sl_code *code, struct entry *entry, enum sl_budget_part spent)
{
    struct sl_frame *frames = sl_arena_array(code->snapshot->arena, entry->n_pcs, sizeof *frames);

    if (!frames)
        return false;
    for (size_t i = 0; i < entry->n_pcs; i++)
        frames[i] = (struct sl_frame){.address = entry->pcs[i].address,
                                      .by_frame_pointers = entry->pcs[i].by_frame_pointer};
    entry->stack = (struct sl_stack){
        .frames = frames, .n_frames = entry->n_pcs, .reason = sl_budget_text(spent)};
    return true;
}

/* Frames of every address in a row; inlined functions make more frames than addresses. */
static bool collect(struct sl_code *code, struct entry *entry)
{
    struct sl_budget *budget = code->target->budget;
    const struct sl_pc *pcs = entry->pcs;
    size_t n_pcs = entry->n_pcs;
    const struct sl_frame *part;
    size_t n_part, n = 0;
    uint64_t weight = 0;

    for (size_t i = 0; i < n_pcs; i++) {
        if (!sl_symbolizer_look_up(code->symbolizer, code->maps, &pcs[i], &part, &n_part))
            return false;
        n += n_part;
        weight += weigh(part, n_part);
    }
    if (!sl_budget_take(budget, SL_BUDGET_FRAMES, n - n_pcs))
        return keep_addresses(code, entry, SL_BUDGET_FRAMES);
    if (weight > code->copy_room || !sl_budget_take(budget, SL_BUDGET_MEMORY, weight))
        return keep_addresses(code, entry, SL_BUDGET_MEMORY);
    code->copy_room -= weight;
    struct sl_frame *frames = sl_arena_array(code->snapshot->arena, n, sizeof *frames);
    if (!frames)
        return false;
    n = 0;
    for (size_t i = 0; i < n_pcs; i++) {
        if (!sl_symbolizer_look_up(code->symbolizer, code->maps, &pcs[i], &part, &n_part))
            return false;
        memcpy(frames + n, part, n_part * sizeof *frames);
        for (size_t k = 0; k < n_part; k++)
            frames[n + k].by_frame_pointers = pcs[i].by_frame_pointer;
        n += n_part;
        /* What it returns to was interrupted: the trampoline, which has no symbol of its own. */
        if (i + 1 < n_pcs && pcs[i + 1].exact && !frames[n - 1].function)
            frames[n - 1].function = "<signal handler called>";
    }
    entry->stack.frames = frames;
    entry->stack.n_frames = n;
    return true;
}

enum sl_status sl_code_symbolize(struct sl_code *code, struct sl_error *err)
{
    struct sl_stacks *stacks = code->stacks;

    for (; stacks->pending; stacks->pending = stacks->pending->pending)
        if (!collect(code, stacks->pending))
            return sl_fail(err, SL_ENOMEM, "out of memory for frames of a stack");
    return SL_OK;
}

static enum sl_grade grade_of(enum sl_unwind_end end)
{
    return end == SL_UNWIND_COMPLETE            ? SL_GRADE_COMPLETE
           : end == SL_UNWIND_BY_FRAME_POINTERS ? SL_GRADE_FRAME_POINTERS
                                                : SL_GRADE_PARTIAL;
}

const struct sl_stack *
sl_code_stack(struct sl_code *code, const struct sl_pc *pcs, size_t n_pcs, enum sl_unwind_end end)
{
    struct sl_stacks *stacks = code->stacks;
    uint64_t hash = SL_FNV64_BASIS;
    for (size_t i = 0; i < n_pcs; i++)
        hash = sl_fnv64(hash, &pcs[i].address, sizeof pcs[i].address);

    struct entry **bucket = &stacks->buckets[hash % BUCKETS];
    for (const struct entry *entry = *bucket; entry; entry = entry->next)
        if (entry->hash == hash && entry->end == end && equal(entry, pcs, n_pcs))
            return &entry->stack;
    if (!sl_budget_take(code->target->budget, SL_BUDGET_FRAMES, n_pcs))
        return code->no_stack;
    struct entry *entry = sl_arena_alloc(code->snapshot->arena, sizeof *entry);
    struct sl_pc *copy = sl_arena_array(code->snapshot->arena, n_pcs, sizeof *copy);
    if (!entry || !copy)
        return NULL;
    memcpy(copy, pcs, n_pcs * sizeof *copy);
    *entry = (struct entry){.next = *bucket, .hash = hash, .pcs = copy, .n_pcs = n_pcs, .end = end};
    entry->stack.complete = end == SL_UNWIND_COMPLETE;
    entry->stack.grade = grade_of(end);
    entry->stack.reason = sl_unwind_end_text(end);
    *bucket = entry;
    entry->pending = stacks->pending;
    stacks->pending = entry;
    return &entry->stack;
}

/* Closed, of the same look. */
static struct sl_code anew(const struct sl_code *code)
{
    return (struct sl_code){.target = code->target,
                            .opts = code->opts,
                            .snapshot = code->snapshot,
                            .parted = code->parted,
                            .maps_reads = code->maps_reads,
                            .store = code->store};
}

static void discard(struct sl_code *code)
{
    free(code->stacks);
    sl_symbolizer_free(code->symbolizer);
    sl_memo_free(code->memo);
    sl_unwinder_free(code->unwinder);
    sl_modules_free(code->modules);
    sl_reader_free(code->reader);
    sl_maps_free(code->maps);
    *code = anew(code);
}

void sl_code_close(struct sl_code *code)
{
    discard(code);
    sl_store_close(code->store);
    code->store = NULL;
}

static enum sl_status
read_maps(struct sl_code *code, struct sl_maps **ret_maps, struct sl_error *err)
{
    char *text;
    size_t size;

    enum sl_status status = sl_target_read_all(code->target, "maps", &text, &size, err);
    if (status)
        return status;
    code->maps_reads++;
    /* Never given back: it is read a few times only.  It was not more than a quarter. */
    (void) sl_budget_take(code->target->budget, SL_BUDGET_MEMORY, 2 * size);
    status = sl_maps_parse(text, ret_maps, err);
    sl_error_prefix(err, "process %ld", (long) code->target->pid);
    return status;
}

static enum sl_status open_stacks(struct sl_code *code, struct sl_error *err)
{
    struct sl_stack *none = sl_arena_alloc(code->snapshot->arena, sizeof *none);

    code->stacks = calloc(1, sizeof *code->stacks);
    if (!code->stacks || !none)
        return sl_fail(err, SL_ENOMEM, "out of memory for stacks");
    none->reason = sl_budget_text(SL_BUDGET_FRAMES);
    code->no_stack = none;
    code->copy_room = sl_budget_left(code->target->budget, SL_BUDGET_MEMORY) / 2;
    return SL_OK;
}

static void use_store(struct sl_code *code)
{
    if (!code->store)
        code->store = sl_store_open();
    sl_symbolizer_use(code->symbolizer, code->store);
}

enum sl_status sl_code_open(struct sl_code *code, struct sl_error *err)
{
    struct sl_arena *arena = code->snapshot->arena;
    uint32_t max_frames = code->opts->max_frames ? code->opts->max_frames : DEFAULT_MAX_FRAMES;
    enum sl_status status = read_maps(code, &code->maps, err);

    if (!status)
        status = sl_reader_new(code->target, &code->reader, err);
    if (!status && code->parted)
        (void) sl_reader_settle(code->reader);
    if (!status)
        status = sl_modules_new(code->target, code->reader, arena, &code->modules, err);
    if (!status)
        status = sl_unwinder_new(code->modules, max_frames, &code->unwinder, err);
    if (!status)
        status = sl_memo_new(&code->memo, err);
    if (!status)
        status = sl_symbolizer_new(code->modules, arena, !code->opts->no_symbols, &code->symbolizer,
                                   err);
    if (!status && !code->parted && !code->opts->no_symbols && !code->opts->no_cache)
        use_store(code);
    if (!status)
        status = open_stacks(code, err);
    return status;
}

/* Found anew with the map, it may stand there already. */
static bool is_listed(const struct sl_snapshot *snapshot, const struct sl_snapshot_module *module)
{
    for (size_t i = 0; i < snapshot->n_modules; i++)
        if (snapshot->modules[i].start == module->start &&
            strcmp(snapshot->modules[i].path, module->path) == 0)
            return true;
    return false;
}

enum sl_status sl_code_list_modules(struct sl_code *code, struct sl_error *err)
{
    const struct sl_module *list = sl_modules_list(code->modules);
    struct sl_snapshot *snapshot = code->snapshot;
    size_t n = snapshot->n_modules;

    for (const struct sl_module *module = list; module; module = module->next)
        n += module->framed;
    struct sl_snapshot_module *table = sl_arena_array(snapshot->arena, n, sizeof *table);
    if (!table)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu modules", n);
    n = snapshot->n_modules;
    if (n)
        memcpy(table, snapshot->modules, n * sizeof *table);
    for (const struct sl_module *module = list; module; module = module->next) {
        struct sl_snapshot_module entry = {.path = module->path,
                                           .build_id = module->build_id_text,
                                           .not_looked_at = module->not_looked_at};
        sl_image_extent(&module->image, &entry.start, &entry.end);
        entry.start += module->bias;
        entry.end += module->bias;
        if (module->framed && !is_listed(snapshot, &entry))
            table[n++] = entry;
    }
    snapshot->modules = table;
    snapshot->n_modules = n;
    return SL_OK;
}

/* The next mapping that holds code, from *at on; NULL when there is none. */
static const struct sl_mapping *next_code(const struct sl_maps *maps, size_t *at)
{
    while (*at < maps->n_mappings) {
        const struct sl_mapping *mapping = &maps->mappings[(*at)++];
        if (mapping->executable)
            return mapping;
    }
    return NULL;
}

static bool same_code(const struct sl_maps *old_maps, const struct sl_maps *new_maps)
{
    size_t old_at = 0, new_at = 0;
    for (;;) {
        const struct sl_mapping *a = next_code(old_maps, &old_at);
        const struct sl_mapping *b = next_code(new_maps, &new_at);
        if (!a || !b)
            return !a && !b;
        if (a->start != b->start || a->end != b->end || a->offset != b->offset ||
            a->inode != b->inode || a->major != b->major || a->minor != b->minor)
            return false;
    }
}

/* Something is not in the map: threads were made, or code was loaded, since it was read. */
static enum sl_status read_maps_again(struct sl_code *code, struct sl_error *err)
{
    struct sl_maps *maps;

    enum sl_status status = read_maps(code, &maps, err);
    if (status)
        return status;
    if (same_code(code->maps, maps)) {
        sl_maps_free(code->maps);
        code->maps = maps;
        return SL_OK;
    }
    /* Code came or went: everything learned about addresses may be about other code. */
    sl_maps_free(maps);
    if (code->parted)
        sl_symbolizer_use(code->symbolizer, NULL); /* its descriptor is another's here */
    status = sl_code_symbolize(code, err);
    if (!status)
        status = sl_code_list_modules(code, err);
    if (status)
        return status;
    struct sl_code fresh = anew(code);
    status = sl_code_open(&fresh, err);
    if (status) { /* others of the crew still use the old one, until they hear of it */
        discard(&fresh);
        return status;
    }
    discard(code);
    *code = fresh;
    return SL_OK;
}

enum sl_status sl_code_find_stack(struct sl_code *code, uint64_t sp,
                                  const struct sl_mapping **ret_mapping, struct sl_error *err)
{
    const struct sl_mapping *mapping = sl_maps_find(code->maps, sp);
    if (!mapping && code->maps_reads < MAX_MAPS_READS) {
        enum sl_status status = read_maps_again(code, err);
        if (status)
            return status;
        mapping = sl_maps_find(code->maps, sp);
    }
    *ret_mapping = mapping;
    return SL_OK;
}

/* A result of the memo: frames, and how the unwind ended. */
struct remembered {
    const struct sl_stack *stack;
    enum sl_unwind_end end;
    uint64_t last_pc; /* the outermost */
};

/* @return NULL when memory is short */
static const struct remembered *unwind_anew(struct sl_code *code, struct sl_view *view)
{
    struct sl_unwind unwind;

    sl_unwinder_run(code->unwinder, code->maps, view, &unwind);
    code->snapshot->stats.unwound++;
    struct remembered *result = sl_arena_alloc(code->snapshot->arena, sizeof *result);
    const struct sl_stack *stack = sl_code_stack(code, unwind.pcs, unwind.n_pcs, unwind.end);
    if (!result || !stack)
        return NULL;
    *result = (struct remembered){
        .stack = stack, .end = unwind.end, .last_pc = unwind.pcs[unwind.n_pcs - 1].address};
    if (unwind.memorable)
        sl_memo_add(code->memo, view, unwind.reads, unwind.n_reads, result);
    return result;
}

static const struct remembered *unwind(struct sl_code *code, struct sl_view *view)
{
    view->reader = code->reader;
    const struct remembered *result = sl_memo_find(code->memo, view);
    if (!result)
        return unwind_anew(code, view);
    code->snapshot->stats.memoised++;
    return result;
}

enum sl_status sl_code_unwind(struct sl_code *code, struct sl_view *view,
                              const struct sl_stack **ret_stack, enum sl_unwind_end *ret_end,
                              struct sl_error *err)
{
    const struct remembered *result = unwind(code, view);

    /* Code that was loaded after the map was read? */
    if (result && result->end == SL_UNWIND_NOT_CODE && code->maps_reads < MAX_MAPS_READS &&
        !sl_maps_find(code->maps, result->last_pc)) {
        enum sl_status status = read_maps_again(code, err);
        if (status)
            return status;
        result = unwind(code, view);
    }
    if (!result)
        return sl_fail(err, SL_ENOMEM, "out of memory for the stack of a thread");
    *ret_stack = result->stack;
    *ret_end = result->end;
    return SL_OK;
}
