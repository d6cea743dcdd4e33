/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/search.h"

#define PAGE      ((uint64_t) 4096)
#define UNIT      16
#define MAX_SIZE  ((uint64_t) UINT32_MAX * UNIT)
#define MIN_BLOCK 32
#define BITS      7
#define PREVIOUS  1
#define MAPPED    2
#define FAR       (64 * 1024) /* who reads on within that reads much at once */

/* struct heap_info: arena, previous heap, size, writable size, page size. */
#define INFO_SIZE 48
/* struct malloc_state: where its top is, and its size. */
#define STATE_FAST 16
#define STATE_TOP  96
#define STATE_SIZE 2200

/* Where the part begins that nothing was taken from. */
#define TOP_IS_LAST   ((uint64_t) 0)
#define TOP_ELSEWHERE UINT64_MAX

#define MIN_MAPPED (128 * 1024 + PAGE) /* below that blocks have no mapping, unless asked to */

/* Pages that are not there are not asked for. */
bool heap_read_word(struct heap_view *view, uint64_t address, uint64_t *ret_word)
{
    if (address < view->address || address - view->address + sizeof *ret_word > view->size) {
        const struct resident *resident = view->resident;
        const size_t i = resident_index(resident, address);
        if (i == resident->n_ranges || resident->ranges[i].start > address)
            return false;
        bool near = address >= view->address && address - view->address < view->size + FAR;
        uint64_t start = address & ~(PAGE - 1);
        uint64_t left = resident->ranges[i].end - start;
        view->address = start;
        view->size = sl_reader_read(view->reader, start, view->data,
                                    SL_MIN(left, near ? sizeof view->data : PAGE));
        if (address - start + sizeof *ret_word > view->size)
            return false;
    }
    memcpy(ret_word, view->data + (address - view->address), sizeof *ret_word);
    return true;
}

static bool add_block(struct proof_heap *heap, uint64_t address)
{
    if (!sl_grow(&heap->blocks, &heap->capacity, heap->n_blocks + 1))
        return false;
    heap->blocks[heap->n_blocks++] = (uint32_t) ((address - heap->start) / UNIT);
    return true;
}

/* Is that, instead of a block, what the heap has to end with? */
static bool is_end(struct heap_view *view, uint64_t at, uint64_t size, uint64_t top, uint64_t end)
{
    uint64_t last;

    if (top == TOP_IS_LAST)
        return size == end - at;
    if (top != TOP_ELSEWHERE)
        return at == top && size == end - at;
    /* A heap that was left for another one: one or two blocks that are none. */
    if (size == UNIT && end - at == 2 * (uint64_t) UNIT)
        return heap_read_word(view, at + UNIT + 8, &last) && (last & ~(uint64_t) BITS) == 0;
    return size == 0 && end - at == UNIT;
}

/* Which blocks are used is said by those behind them.  @return false: sizes lie */
static bool walk(struct heap_view *view, struct proof_heap *heap, uint64_t top, uint64_t end)
{
    uint64_t previous = 0, at = heap->start, size, word;
    size_t capacity = 0;

    for (; at < end; previous = size, at += size) {
        if (heap->n_blocks % 65536 == 0 && sl_budget_is_over(view->budget))
            return false;
        if (!heap_read_word(view, at + 8, &word) || (word & MAPPED))
            return false;
        size = word & ~(uint64_t) BITS;
        bool used = word & PREVIOUS;
        if (heap->n_blocks) {
            uint64_t before;
            if (!used && (!heap_read_word(view, at, &before) || before != previous))
                return false;
            heap->flags[heap->n_blocks - 1] = used ? HEAP_USED : 0;
        }
        if (is_end(view, at, size, top, end)) {
            heap->end = at;
            return true;
        }
        if (size < MIN_BLOCK || size % UNIT || size > end - at)
            return false;
        if (!add_block(heap, at) || !sl_grow(&heap->flags, &capacity, heap->capacity))
            return false;
    }
    return false;
}

/* What a search for the block of an address begins with. */
static bool index_pages(struct proof_heap *heap)
{
    size_t n_pages = (size_t) ((heap->end - heap->start) / PAGE + 2);
    size_t block = 0;

    heap->first = calloc(n_pages, sizeof *heap->first);
    heap->at = calloc(heap->n_blocks + 1, sizeof *heap->at);
    if (!heap->first || !heap->at)
        return false;
    for (size_t page = 0; page < n_pages; page++) {
        while (block < heap->n_blocks && heap->blocks[block] < page * (PAGE / UNIT))
            block++;
        heap->first[page] = (uint32_t) block;
    }
    return true;
}

static struct proof_heap *
walk_all(struct heap_view *view, uint64_t start, uint64_t top, uint64_t end)
{
    struct proof_heap *heap = calloc(1, sizeof *heap);

    if (!heap || start % UNIT || end <= start || end - start > MAX_SIZE)
        goto refuse;
    heap->start = start;
    if (!walk(view, heap, top, end) || !index_pages(heap))
        goto refuse;
    return heap;
refuse:
    heap_free(heap);
    return NULL;
}

struct proof_heap *heap_walk_main(struct heap_view *view, uint64_t start, uint64_t end)
{
    return walk_all(view, start, TOP_IS_LAST, end);
}

struct proof_heap *
heap_walk_mapped(struct heap_view *view, uint64_t base, uint64_t end, uint64_t *ret_end)
{
    uint64_t arena, previous, size, writable, top;

    if (end - base < PAGE || !heap_read_word(view, base, &arena) ||
        !heap_read_word(view, base + 8, &previous) || !heap_read_word(view, base + 16, &size) ||
        !heap_read_word(view, base + 24, &writable))
        return NULL;
    uint64_t home = arena & ~(HEAP_ARENA_MAX - 1);
    if (arena != home + INFO_SIZE || previous % HEAP_ARENA_MAX || (home == base) != (previous == 0))
        return NULL;
    if (size < PAGE || size % PAGE || writable < size || writable % PAGE ||
        writable > SL_MIN(end - base, HEAP_ARENA_MAX))
        return NULL;
    if (!heap_read_word(view, arena + STATE_TOP, &top))
        return NULL;
    uint64_t first = base + INFO_SIZE + (home == base ? STATE_SIZE + 8 : 0);
    bool has_top = top >= first && top < base + size;
    struct proof_heap *heap = walk_all(view, first, has_top ? top : TOP_ELSEWHERE, base + size);
    if (heap && home == base)
        heap->fast_bins = arena + STATE_FAST;
    *ret_end = base + writable;
    return heap;
}

uint64_t heap_mapped_block(struct heap_view *view, uint64_t start, uint64_t end)
{
    uint64_t before, size;

    if (start % PAGE || !heap_read_word(view, start, &before) ||
        !heap_read_word(view, start + 8, &size) || before || (size & BITS) != MAPPED)
        return 0;
    size &= ~(uint64_t) BITS;
    return size % PAGE == 0 && size >= MIN_MAPPED && size <= end - start ? start + size : 0;
}

size_t heap_find(const struct proof_heap *heap, uint64_t address)
{
    const uint64_t offset = address - heap->start - SL_MIN(address - heap->start, HEAP_HEADER);
    const uint32_t place = (uint32_t) (offset / UNIT);
    const size_t page = (size_t) (offset / PAGE);
    size_t low = heap->first[page], n = heap->first[page + 1] - low;

    return low + SL_PARTITION_POINT(n, i, heap->blocks[low + i] <= place) - 1;
}

uint64_t heap_block_start(const struct proof_heap *heap, size_t i)
{
    return heap->start + (uint64_t) heap->blocks[i] * UNIT;
}

uint64_t heap_block_end(const struct proof_heap *heap, size_t i)
{
    return i + 1 < heap->n_blocks ? heap_block_start(heap, i + 1) : heap->end;
}

void heap_free(struct proof_heap *heap)
{
    if (!heap)
        return;
    free(heap->blocks);
    free(heap->first);
    free(heap->flags);
    free(heap->at);
    free(heap);
}
