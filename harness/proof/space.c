/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/space.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/search.h"

#define PAGE ((uint64_t) 4096)

struct builder {
    struct proof_space *space;
    const struct proof_threads *threads;
    size_t *stacks; /* threads whose stacks are known, by their memory */
    size_t n_stacks;
    struct heap_view *view;
    bool short_of_memory;
};

static struct proof_area *add(struct builder *builder, enum area_kind kind, uint64_t start,
                              uint64_t end, const struct sl_mapping *mapping)
{
    struct proof_space *space = builder->space;

    if (start >= end)
        return NULL;
    if (!sl_grow(&space->areas, &space->capacity, space->n_areas + 1)) {
        builder->short_of_memory = true;
        return NULL;
    }
    struct proof_area *area = &space->areas[space->n_areas++];
    *area = (struct proof_area){
        .start = start, .end = end, .kind = kind, .thread = PROOF_NOBODY, .mapping = mapping};
    return area;
}

static void add_of_thread(struct builder *builder, enum area_kind kind, uint64_t start,
                          uint64_t end, size_t i, const struct sl_mapping *mapping)
{
    struct proof_area *area = add(builder, kind, start, end, mapping);
    if (area)
        area->thread = i;
}

/*
 * Variables of the program are an object of their own: a pointer to one of a library leads to none
 * of them.  Of the C library's own a program knows the address of errno, which leads nowhere.
 */
static void add_stack(struct builder *builder, size_t i, const struct sl_mapping *mapping)
{
    const struct proof_thread *thread = &builder->threads->threads[i];
    uint64_t start = (thread->sighting.call.sp - PROOF_RED_ZONE) & ~UINT64_C(7);
    const struct proof_variables *variables = &builder->threads->variables;
    uint64_t own = thread->top;

    if (thread->awake) {
        add_of_thread(builder, AREA_LIVING, start, thread->end, i, mapping);
        return;
    }
    add_of_thread(builder, AREA_STACK, start, thread->top, i, mapping);
    if (thread->top < thread->descriptor && thread->descriptor < thread->end) {
        own = thread->descriptor;
        uint64_t of_program = SL_MAX(own - variables->of_program, thread->top);
        if (variables->of_others)
            add_of_thread(builder, AREA_LOCAL, thread->top, of_program, i, mapping);
        add_of_thread(builder, AREA_LOCAL, of_program, own, i, mapping);
    }
    /* Behind the frames of main are the arguments and the environment. */
    add_of_thread(builder, own == thread->descriptor ? AREA_PRIVATE : AREA_ROOT, own, thread->end,
                  i, mapping);
}

static uint64_t align_up(uint64_t address)
{
    return (address + HEAP_ARENA_MAX - 1) & ~(HEAP_ARENA_MAX - 1);
}

static bool is_word(struct heap_view *view, uint64_t address, uint64_t value)
{
    uint64_t word;
    return heap_read_word(view, address, &word) && word == value;
}

static uint64_t left_descriptor(uint64_t end)
{
    return (end - PTHREAD_SIZE) & ~(uint64_t) (PTHREAD_ALIGNMENT - 1);
}

/*
 * A thread that has ended leaves its stack, to be used again or to be joined: the frames are of
 * nobody any more, and of the descriptor only what the thread returned may be asked for.  Its id is
 * 0, and -1 when it was joined.
 *
 * @return where the stack begins that ends at `end`; `end` when there is none
 */
static uint64_t find_left_stack(struct heap_view *view, uint64_t start, uint64_t end)
{
    const uint64_t descriptor = left_descriptor(end);
    uint64_t tid, block;

    if (end - start < PAGE || !is_word(view, descriptor, descriptor) ||
        !is_word(view, descriptor + PTHREAD_SELF, descriptor) ||
        !heap_read_word(view, descriptor + PTHREAD_TID, &tid) || (int32_t) tid > 0 ||
        !heap_read_word(view, descriptor + PTHREAD_BLOCK, &block) || block % PAGE ||
        block >= descriptor || !is_word(view, descriptor + PTHREAD_BLOCK + 8, end - block))
        return end;
    return SL_MAX(block, start);
}

static void add_left_stack(struct builder *builder, uint64_t start, uint64_t end,
                           const struct sl_mapping *mapping)
{
    const uint64_t descriptor = left_descriptor(end);

    (void) add(builder, AREA_STACK, start, descriptor, mapping);
    (void) add(builder, AREA_PRIVATE, descriptor, descriptor + PTHREAD_RESULT, mapping);
    (void) add(builder, AREA_ROOT, descriptor + PTHREAD_RESULT, descriptor + PTHREAD_RESULT + 8,
               mapping);
}

/* Blocks with mappings of their own lie one behind the other; other memory may follow. */
static void add_mapped_blocks(struct builder *builder, uint64_t start, uint64_t end,
                              const struct sl_mapping *mapping)
{
    const uint64_t left = find_left_stack(builder->view, start, end);

    for (uint64_t next; start < left; start = next) {
        next = heap_mapped_block(builder->view, start, left);
        if (!next)
            break;
        (void) add(builder, AREA_BLOCK, start, next, mapping);
    }
    (void) add(builder, AREA_ROOT, start, left, mapping);
    if (left < end)
        add_left_stack(builder, left, end, mapping);
}

/* Between stacks: heaps lie at multiples of their greatest size. */
static void
add_between(struct builder *builder, uint64_t start, uint64_t end, const struct sl_mapping *mapping)
{
    uint64_t base = align_up(start), behind;

    while (base < end) {
        struct proof_heap *heap = heap_walk_mapped(builder->view, base, end, &behind);
        if (!heap) {
            base += HEAP_ARENA_MAX;
            continue;
        }
        add_mapped_blocks(builder, start, base, mapping);
        (void) add(builder, AREA_PRIVATE, base, heap->start, mapping);
        struct proof_area *area = add(builder, AREA_HEAP, heap->start, heap->end, mapping);
        if (area)
            area->heap = heap;
        else
            heap_free(heap);
        start = behind;
        base = align_up(start);
    }
    add_mapped_blocks(builder, start, end, mapping);
}

/* The stacks of threads that are there are known; what lies around them is looked at. */
static void add_anonymous(struct builder *builder, const struct sl_mapping *mapping)
{
    const struct proof_thread *threads = builder->threads->threads;
    uint64_t start = mapping->start;
    size_t at =
        SL_PARTITION_POINT(builder->n_stacks, i, threads[builder->stacks[i]].end <= mapping->start);

    for (; at < builder->n_stacks && threads[builder->stacks[at]].block < mapping->end; at++) {
        const struct proof_thread *thread = &threads[builder->stacks[at]];
        if (thread->block > start)
            add_between(builder, start, thread->block, mapping);
        if (thread->sighting.call.sp >= mapping->start && thread->sighting.call.sp < mapping->end)
            add_stack(builder, builder->stacks[at], mapping);
        start = SL_MAX(start, SL_MIN(thread->end, mapping->end));
    }
    add_between(builder, start, mapping->end, mapping);
}

static bool is_named(const struct sl_mapping *mapping, const char *name)
{
    return mapping->path && strcmp(mapping->path, name) == 0;
}

/* In one piece, or in several that differ in what the kernel does with them. */
static const struct sl_mapping *
add_main_heap(struct builder *builder, const struct sl_mapping *mapping)
{
    const struct sl_maps *maps = builder->space->maps;
    const struct sl_mapping *last = mapping, *end = maps->mappings + maps->n_mappings;

    while (last + 1 < end && is_named(last + 1, "[heap]") && last[1].start == last->end &&
           last[1].readable)
        last++;
    struct proof_heap *heap = heap_walk_main(builder->view, mapping->start, last->end);
    struct proof_area *area = add(builder, heap ? AREA_HEAP : AREA_ROOT, mapping->start,
                                  heap ? heap->end : last->end, mapping);
    if (area)
        area->heap = heap;
    else
        heap_free(heap);
    return last;
}

static void add_mapping(struct builder *builder, const struct sl_mapping *mapping)
{
    if (!mapping->readable || is_named(mapping, "[vvar]") || is_named(mapping, "[vdso]") ||
        is_named(mapping, "[vsyscall]") || is_named(mapping, "[vvar_vclock]"))
        return;
    if (mapping->shared)
        (void) add(builder, AREA_ROOT, mapping->start, mapping->end, mapping);
    else if (mapping->inode)
        (void) add(builder, AREA_OF_FILE, mapping->start, mapping->end, mapping);
    else
        add_anonymous(builder, mapping);
}

static int compare_stacks(const void *left, const void *right, void *context)
{
    const struct proof_thread *threads = context;
    uint64_t a = threads[*(const size_t *) left].block, b = threads[*(const size_t *) right].block;
    return (a > b) - (a < b);
}

static bool sort_stacks(struct builder *builder)
{
    const struct proof_threads *threads = builder->threads;

    builder->stacks = calloc(threads->n_threads + 1, sizeof *builder->stacks);
    if (!builder->stacks)
        return false;
    for (size_t i = 0; i < threads->n_threads; i++)
        if (threads->threads[i].end)
            builder->stacks[builder->n_stacks++] = i;
    qsort_r(builder->stacks, builder->n_stacks, sizeof *builder->stacks, compare_stacks,
            threads->threads);
    return true;
}

static void add_all(struct builder *builder)
{
    const struct sl_maps *maps = builder->space->maps;
    const struct sl_mapping *end = maps->mappings + maps->n_mappings;

    for (const struct sl_mapping *mapping = maps->mappings; mapping < end; mapping++) {
        if (is_named(mapping, "[heap]") && mapping->readable && !mapping->shared)
            mapping = add_main_heap(builder, mapping);
        else
            add_mapping(builder, mapping);
    }
}

enum sl_status space_build(const struct sl_maps *maps, const struct proof_threads *threads,
                           struct heap_view *view, struct proof_space *ret_space,
                           struct sl_error *err)
{
    struct proof_space space = {.maps = maps, .resident = view->resident};
    struct builder builder = {.space = &space, .threads = threads, .view = view};

    if (!sort_stacks(&builder))
        return sl_fail(err, SL_ENOMEM, "out of memory for areas of memory");
    add_all(&builder);
    free(builder.stacks);
    if (builder.short_of_memory) {
        space_release(&space);
        return sl_fail(err, SL_ENOMEM, "out of memory for areas of memory");
    }
    *ret_space = space;
    return SL_OK;
}

void space_release(struct proof_space *space)
{
    for (size_t i = 0; i < space->n_areas; i++)
        heap_free(space->areas[i].heap);
    free(space->areas);
    *space = (struct proof_space){0};
}

struct proof_area *space_find(const struct proof_space *space, uint64_t address)
{
    size_t at = SL_PARTITION_POINT(space->n_areas, i, space->areas[i].end <= address);
    return at < space->n_areas && space->areas[at].start <= address ? &space->areas[at] : NULL;
}

static bool begins_mapping(const struct proof_space *space, uint64_t address)
{
    const struct sl_mapping *mapping = sl_maps_find(space->maps, address);
    return mapping && mapping->start == address;
}

struct proof_area *space_find_object(const struct proof_space *space, uint64_t address)
{
    struct proof_area *area = space_find(space, address);
    const bool at_start = area && area->start == address;

    /* No pointer leads to the header of a block. */
    if (area ? at_start && area->kind == AREA_BLOCK : !begins_mapping(space, address)) {
        area = space_find(space, address - 1);
        return area && area->kind == AREA_BLOCK ? area : NULL;
    }
    if (!area || (at_start && area->kind == AREA_HEAP))
        return NULL;
    return area->kind >= AREA_HEAP && area->kind <= AREA_STACK ? area : NULL;
}
