/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and stacks of a dump, each kept once, so that equal ones are one pointer. */
#ifndef SL_GOROUTINE_DUMP_INTERN_H
#define SL_GOROUTINE_DUMP_INTERN_H

#include "base/arena.h"
#include "harness/model/snapshot.h"

struct intern_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

/* A hash table with a key of its own, so that nobody writes a file whose entries all meet. */
struct intern_table {
    struct intern_slot *slots; /* a power of two */
    size_t n, capacity;
};

struct intern {
    struct sl_arena *arena; /* borrowed: what is kept lives there */
    uint64_t seed;
    struct intern_table texts, stacks;
};

/* @param arena  borrowed until the release, and owner of all that is kept */
void intern_init(struct intern *intern, struct sl_arena *arena);
void intern_release(struct intern *intern);

/* A text with its size and a NUL behind it.  @return NULL when memory is short */
const char *intern_text(struct intern *intern, const char *text, size_t size);

/*
 * A stack with a copy of its frames, whose texts are interned.
 *
 * @param reason  why it is not complete, interned or static; NULL: it is
 * @return NULL when memory is short
 */
const struct sl_stack *intern_stack(struct intern *intern, const struct sl_frame *frames,
                                    size_t n_frames, const char *reason);

/*
 * Where an item with this hash may be: each call gives the next one, the last a free slot.
 *
 * @param at  0 at first; moved on
 */
struct intern_slot *intern_probe(struct intern_table *table, uint64_t hash, size_t *at);

/* Room for one more before it is probed for.  @return false when memory is short */
bool intern_reserve(struct intern_table *table);

uint64_t intern_hash(const struct intern *intern, const void *data, size_t size);

#endif
