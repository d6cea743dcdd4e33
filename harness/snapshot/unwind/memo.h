/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of unwinds by what they read.
 *
 * Unwinding is a function of what it reads: the same PC and the same words so far
 * make it read the same next word.  So all unwinds together are a decision tree:
 * a node names the next thing to read, its value picks the branch, a leaf holds the
 * frames.  A thread that walks from the root to a leaf has, provably, the frames of
 * the thread that planted it.
 *
 * What a value is compared by is a matter of what the unwind did with it, never of
 * where it points: a library may lie beside a stack, and nobody knows where a stack
 * ends.  What was taken for an address of code has to be that very address.  All the
 * others only say where to read next, and count from the stack pointer, for what they
 * lead to is compared in its turn.
 */
#ifndef SL_SNAPSHOT_UNWIND_MEMO_H
#define SL_SNAPSHOT_UNWIND_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/snapshot/unwind/view.h"

/* One thing an unwind read. */
struct sl_read {
    bool is_register;
    bool is_code;   /* was taken for an address of code: else for one of the stack */
    bool known;     /* false: a register that nobody has */
    int64_t where;  /* register number, or offset of the word from sp */
    uint64_t value; /* as the thread has it */
};

struct sl_memo;

SL_CHECKED enum sl_status sl_memo_new(struct sl_memo **ret_memo, struct sl_error *err);
void sl_memo_free(struct sl_memo *memo);
SL_DEFINE_AUTO(sl_memo, sl_memo_free);

/*
 * @return what was added for an unwind that would read the same, or NULL.  Always that for a
 * stack pointer that is not aligned, and nothing is added for one: whether a frame pointer is
 * aligned is asked of its address, and moves with the stack only by whole words.
 */
const void *sl_memo_find(const struct sl_memo *memo, struct sl_view *view);

/*
 * Remember the result, borrowed, of an unwind of this view.  `reads` in the order in which
 * they were made.  When memory is short nothing is remembered, which costs time only.
 */
void sl_memo_add(struct sl_memo *memo, const struct sl_view *view, const struct sl_read *reads,
                 size_t n_reads, const void *result);

#endif
