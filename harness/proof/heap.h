/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of glibc's malloc on x86-64, versions 2.26 to 2.41, as they lie in memory.
 *
 * A block begins with two words: the size of the block before it, which is that block's as long
 * as it is used, and its own size with three bits: the block before is used (1), this one has a
 * mapping of its own (2), it is not of the main arena (4).  So a walk from the first block meets
 * all of them, and one that does not end exactly where the heap does has met something else.
 *
 * Blocks that were freed and wait for their next use by a thread (tcache, fast bins) look used.
 */
#ifndef SL_PROOF_HEAP_H
#define SL_PROOF_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "harness/proof/resident.h"
#include "harness/snapshot/target/reader.h"

#define HEAP_FAST_BINS 10
#define HEAP_HEADER    16                    /* bytes of a block before those of the program */
#define HEAP_ARENA_MAX ((uint64_t) 64 << 20) /* size and alignment of a heap that is mapped */

/* Of a block. */
#define HEAP_USED   1U
#define HEAP_WAITED 2U /* some thread waits for a word in it */

struct proof_heap {
    uint64_t start, end; /* of the blocks: [start, end) */
    uint32_t *blocks;    /* where they begin, counted from start in 16 bytes, ascending */
    size_t n_blocks, capacity;
    uint32_t *first;    /* of each page, the first block that begins in it or behind it */
    uint8_t *flags;     /* of each block */
    uint64_t *at;       /* what first was found to point to it; 0: nothing yet */
    uint64_t fast_bins; /* heads of ten lists; 0: not known, or another heap's */
};

/* What is read while heaps are walked. */
struct heap_view {
    struct sl_reader *reader;
    const struct resident *resident;
    const struct sl_budget *budget;
    uint64_t address;
    size_t size; /* of data that is there, from address on */
    unsigned char data[256 * 1024];
};

bool heap_read_word(struct heap_view *view, uint64_t address, uint64_t *ret_word);

/*
 * The main heap, in [start, end).  *ret_heap: NULL when it is not understood, or time or memory
 * is short.
 */
struct proof_heap *heap_walk_main(struct heap_view *view, uint64_t start, uint64_t end);

/*
 * One that was mapped, at `base`, a multiple of HEAP_ARENA_MAX, in memory that ends at `end`.
 *
 * @param ret_end  behind what it takes of the memory
 */
struct proof_heap *
heap_walk_mapped(struct heap_view *view, uint64_t base, uint64_t end, uint64_t *ret_end);

/* Behind the block with a mapping of its own that begins at `start`; 0: none does. */
uint64_t heap_mapped_block(struct heap_view *view, uint64_t start, uint64_t end);

/*
 * Index of the block among whose bytes the address is, or right behind them; the first word of the
 * next block's header may be among them.  The address lies in the heap.
 */
size_t heap_find(const struct proof_heap *heap, uint64_t address);

uint64_t heap_block_start(const struct proof_heap *heap, size_t i);
uint64_t heap_block_end(const struct proof_heap *heap, size_t i);

void heap_free(struct proof_heap *heap);

#endif
