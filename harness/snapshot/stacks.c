/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/stacks.h"

#include <string.h>

#include "base/fail.h"
#include "base/hash.h"

#define BUCKETS 4096

struct entry {
    struct entry *next;    /* in the bucket */
    struct entry *pending; /* next one without frames */
    uint64_t hash;
    const struct sl_pc *pcs;
    size_t n_pcs;
    enum sl_unwind_end end;
    struct sl_stack stack;
};

struct sl_stacks {
    struct sl_symbolizer *symbolizer;
    struct sl_arena *arena;
    struct entry *pending;
    struct entry *buckets[BUCKETS];
};

enum sl_status sl_stacks_new(struct sl_symbolizer *symbolizer, struct sl_arena *arena,
                             struct sl_stacks **ret_stacks, struct sl_error *err)
{
    struct sl_stacks *stacks = calloc(1, sizeof *stacks);
    if (!stacks)
        return sl_fail(err, SL_ENOMEM, "out of memory for stacks");
    stacks->symbolizer = symbolizer;
    stacks->arena = arena;
    *ret_stacks = stacks;
    return SL_OK;
}

void sl_stacks_free(struct sl_stacks *stacks)
{
    free(stacks); /* the stacks are the arena's */
}

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

/* Frames of every address in a row; inlined functions make more frames than addresses. */
static bool collect(struct sl_stacks *stacks, const struct sl_maps *maps, struct entry *entry)
{
    const struct sl_pc *pcs = entry->pcs;
    size_t n_pcs = entry->n_pcs;
    const struct sl_frame *part;
    size_t n_part, n = 0;

    for (size_t i = 0; i < n_pcs; i++) {
        if (!sl_symbolizer_look_up(stacks->symbolizer, maps, &pcs[i], &part, &n_part))
            return false;
        n += n_part;
    }
    struct sl_frame *frames = sl_arena_array(stacks->arena, n, sizeof *frames);
    if (!frames)
        return false;
    n = 0;
    for (size_t i = 0; i < n_pcs; i++) {
        if (!sl_symbolizer_look_up(stacks->symbolizer, maps, &pcs[i], &part, &n_part))
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

enum sl_status
sl_stacks_symbolize(struct sl_stacks *stacks, const struct sl_maps *maps, struct sl_error *err)
{
    for (; stacks->pending; stacks->pending = stacks->pending->pending)
        if (!collect(stacks, maps, stacks->pending))
            return sl_fail(err, SL_ENOMEM, "out of memory for frames of a stack");
    return SL_OK;
}

static enum sl_grade grade_of(enum sl_unwind_end end)
{
    return end == SL_UNWIND_COMPLETE            ? SL_GRADE_COMPLETE
           : end == SL_UNWIND_BY_FRAME_POINTERS ? SL_GRADE_FRAME_POINTERS
                                                : SL_GRADE_PARTIAL;
}

const struct sl_stack *sl_stacks_get(struct sl_stacks *stacks, const struct sl_pc *pcs,
                                     size_t n_pcs, enum sl_unwind_end end)
{
    uint64_t hash = SL_FNV64_BASIS;
    for (size_t i = 0; i < n_pcs; i++)
        hash = sl_fnv64(hash, &pcs[i].address, sizeof pcs[i].address);

    struct entry **bucket = &stacks->buckets[hash % BUCKETS];
    for (const struct entry *entry = *bucket; entry; entry = entry->next)
        if (entry->hash == hash && entry->end == end && equal(entry, pcs, n_pcs))
            return &entry->stack;
    struct entry *entry = sl_arena_alloc(stacks->arena, sizeof *entry);
    struct sl_pc *copy = sl_arena_array(stacks->arena, n_pcs, sizeof *copy);
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
