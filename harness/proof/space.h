/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory of a process is, as far as that is proven: roots, which code can name without
 * a pointer, and objects, which live only when something that lives points to them.  What is not
 * understood is a root.
 */
#ifndef SL_PROOF_SPACE_H
#define SL_PROOF_SPACE_H

#include "harness/proof/heap.h"
#include "harness/proof/thread.h"

enum area_kind {
    AREA_ROOT,    /* all of it */
    AREA_OF_FILE, /* a root where it was changed */
    AREA_HEAP,    /* blocks of malloc */
    AREA_BLOCK,   /* one of them, which has a mapping of its own */
    AREA_LOCAL,   /* variables of a thread that waits */
    AREA_STACK,   /* frames of a thread that waits, or of one that has ended */
    AREA_LIVING,  /* frames of a thread that does not: a root */
    AREA_PRIVATE  /* the C library's own: struct pthread, what a heap begins with */
};

struct proof_area {
    uint64_t start, end;
    enum area_kind kind;
    bool waited;             /* some thread waits for a word in it; of a block or stack */
    uint64_t at;             /* of such: what first was found to point to it; 0: nothing yet */
    struct proof_heap *heap; /* owned */
    size_t thread;           /* of a stack, or of a struct pthread; PROOF_NOBODY: it has ended */
    const struct sl_mapping *mapping;
};

struct proof_space {
    struct proof_area *areas; /* ascending, disjoint; what is in none holds nothing of interest */
    size_t n_areas, capacity;
    const struct sl_maps *maps;
    const struct resident *resident;
};

/* @param threads  those that are awake have roots for stacks */
SL_CHECKED enum sl_status space_build(const struct sl_maps *maps,
                                      const struct proof_threads *threads, struct heap_view *view,
                                      struct proof_space *ret_space, struct sl_error *err);
void space_release(struct proof_space *space);

/* The area that has the address, or NULL. */
struct proof_area *space_find(const struct proof_space *space, uint64_t address);

/*
 * The area of the object to which a pointer with this address leads, or NULL.  Right behind a block
 * with a mapping of its own is that block, too, unless something else begins there.
 */
struct proof_area *space_find_object(const struct proof_space *space, uint64_t address);

#endif
