/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/arena.h"

#include <string.h>

#include "base/grow.h"
#include "harness/snapshot/wait/futex.h"

/* struct malloc_state, from one word to the next. */
#define STATE_FAST 16
#define STATE_TOP  96
#define STATE_BINS 112
#define STATE_MAP  2144 /* behind the bins */
#define N_BINS     127

/* struct malloc_par, from the place of sbrk_base back. */
#define PAR_SUM      16    /* bytes of blocks with a mapping of their own */
#define PAR_MAX_BINS 32    /* n_mmaps_max, an int */
#define MAX_MAPPED   65536 /* how it begins, and mostly stays */

struct search {
    struct proof_space *space;
    struct heap_view *view;
    const struct proof_area *main_heap;
    uint64_t state;      /* address of the main arena; 0: not found */
    uint64_t mapped_sum; /* as the library has it */
    bool has_sum;
};

static struct proof_area *find_main_heap(struct proof_space *space)
{
    for (size_t i = 0; i < space->n_areas; i++) {
        struct proof_area *area = &space->areas[i];
        if (area->kind == AREA_HEAP && area->mapping->path &&
            strcmp(area->mapping->path, "[heap]") == 0)
            return area;
    }
    return NULL;
}

/* An empty bin is a list of its own head, which is taken for a block; others lead into the heap. */
static bool is_state(struct search *search, uint64_t state)
{
    const struct proof_area *heap = search->main_heap;
    size_t n_empty = 0;

    for (size_t i = 0; i < N_BINS; i++) {
        const uint64_t bin = state + STATE_BINS + i * 16;
        uint64_t next, previous;
        if (!heap_read_word(search->view, bin, &next) ||
            !heap_read_word(search->view, bin + 8, &previous))
            return false;
        if (next == bin - 16 && previous == bin - 16)
            n_empty++;
        else if (next < heap->start || next >= heap->end || previous < heap->start ||
                 previous >= heap->end)
            return false;
    }
    return n_empty >= N_BINS / 2;
}

static void look_for_sum(struct search *search, uint64_t address)
{
    uint64_t max;
    if (heap_read_word(search->view, address - PAR_MAX_BINS, &max) &&
        (uint32_t) max == MAX_MAPPED &&
        heap_read_word(search->view, address - PAR_SUM, &search->mapped_sum))
        search->has_sum = true;
}

static void look_through(struct search *search, const struct proof_area *area)
{
    const struct proof_area *heap = search->main_heap;
    uint64_t word;

    for (uint64_t at = area->start + STATE_TOP; at < area->end; at += sizeof word) {
        if (!heap_read_word(search->view, at, &word))
            continue;
        if (word == heap->end && !search->state && is_state(search, at - STATE_TOP))
            search->state = at - STATE_TOP;
        if (word == heap->start && !search->has_sum)
            look_for_sum(search, at);
    }
}

/* Two roots instead of one, and what lies between is the library's own. */
static bool take_out(struct proof_space *space, uint64_t start, uint64_t end)
{
    struct proof_area *area = space_find(space, start);

    if (!area || area->end < end)
        return true;
    size_t i = (size_t) (area - space->areas);
    if (!sl_grow(&space->areas, &space->capacity, space->n_areas + 2))
        return false;
    area = space->areas + i;
    memmove(area + 3, area + 1, (space->n_areas - i - 1) * sizeof *area);
    area[1] = area[2] = area[0];
    area[0].end = area[1].start = start;
    area[1].end = area[2].start = end;
    area[1].kind = AREA_PRIVATE;
    space->n_areas += 2;
    return true;
}

bool arena_settle(struct proof_space *space, struct heap_view *view)
{
    struct proof_area *main_heap = find_main_heap(space);
    struct search search = {.space = space, .view = view, .main_heap = main_heap};
    uint64_t sum = 0;

    for (size_t i = 0; i < space->n_areas && main_heap; i++) {
        const struct proof_area *area = &space->areas[i];
        if (area->kind == AREA_OF_FILE && area->mapping->writable &&
            sl_futex_is_library(area->mapping->path))
            look_through(&search, area);
    }
    for (size_t i = 0; i < space->n_areas; i++)
        if (space->areas[i].kind == AREA_BLOCK)
            sum += space->areas[i].end - space->areas[i].start;
    for (size_t i = 0; i < space->n_areas; i++)
        if (space->areas[i].kind == AREA_BLOCK && (!search.has_sum || sum != search.mapped_sum))
            space->areas[i].kind = AREA_ROOT;
    if (!search.state)
        return true;
    main_heap->heap->fast_bins = search.state + STATE_FAST;
    return take_out(space, search.state + STATE_FAST, search.state + STATE_MAP);
}
