/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of unwinds by what they read.
 *
 * Unwinding is a function of what it reads: the same PC and the same words so far
 * make it read the same next word.  So all unwinds together are a decision tree:
 * a node names the next thing to read, its value picks the branch, a leaf holds the
 * frames.  A thread that walks from the root to a leaf has, provably, the frames of
 * the thread that planted it.  Values that move with the stack are compared as
 * offsets from the stack pointer.
 */
#ifndef SL_SNAPSHOT_MEMO_H
#define SL_SNAPSHOT_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/snapshot/view.h"

/* One thing an unwind read. */
struct sl_read {
    bool is_register;
    int64_t where; /* register number, or offset of the word from sp */
    enum sl_read_kind { SL_READ_ABSOLUTE, SL_READ_RELATIVE, SL_READ_UNKNOWN } kind;
    uint64_t value; /* minus sp when relative, 0 when unknown */
};

/* The value of a read as seen in this view; SL_READ_UNKNOWN for a register nobody has. */
struct sl_read sl_read_classify(const struct sl_view *view, bool is_register, int64_t where,
                                uint64_t value, bool known);

struct sl_memo;

SL_CHECKED enum sl_status sl_memo_new(struct sl_memo **ret_memo, struct sl_error *err);
void sl_memo_free(struct sl_memo *memo);
SL_DEFINE_AUTO(sl_memo, sl_memo_free);

/* @return what was added for an unwind that would read the same, or NULL */
const void *sl_memo_find(const struct sl_memo *memo, struct sl_view *view);

/*
 * Remember a result; borrowed.  `reads` in the order in which they were made.
 * When memory is short nothing is remembered, which costs time only.
 */
void sl_memo_add(struct sl_memo *memo, uint64_t pc, const struct sl_read *reads, size_t n_reads,
                 const void *result);

#endif
