/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one look at a process may cost.
 *
 * The process chooses how much there is to see: threads, mappings, depth of stacks, sizes of
 * files.  So all who work for a look take what they need from one budget, from any thread, and
 * leave out what it does not give, saying so.  No budget (NULL) has no bounds: for what nobody
 * else chose.
 */
#ifndef SL_SNAPSHOT_TARGET_BUDGET_H
#define SL_SNAPSHOT_TARGET_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What is used up, in words that complete "not looked at: ". */
#define SL_BUDGET_MAP(X)                                                                           \
    X(TIME, "the time of the look was over")                                                       \
    X(MEMORY, "the look would take more memory than it may")                                       \
    X(FILES, "the look would read more of files than it may")                                      \
    X(FRAMES, "the look would make more frames than it may")

enum sl_budget_part {
#define X(name, text) SL_BUDGET_##name,
    SL_BUDGET_MAP(X)
#undef X
        SL_N_BUDGET_PARTS
};

struct sl_budget {
    uint64_t end_ns;                              /* CLOCK_MONOTONIC */
    atomic_uint_fast64_t left[SL_N_BUDGET_PARTS]; /* bytes, bytes, frames; TIME's is not used */
    atomic_uint n_silent;                         /* paths that nobody answered for */
    atomic_uint_fast64_t silent_device; /* of the last file system that may not answer; 0: none */
};

/* By part; 0: the default, which no honest process meets.  Time counts from now, in nanoseconds. */
void sl_budget_begin(struct sl_budget *budget, const uint64_t limits[SL_N_BUDGET_PARTS]);

/* Not of TIME.  @return false when less is left; then nothing is taken */
bool sl_budget_take(struct sl_budget *budget, enum sl_budget_part part, uint64_t amount);
void sl_budget_give_back(struct sl_budget *budget, enum sl_budget_part part, uint64_t amount);

/* What may still be taken; nanoseconds of TIME. */
uint64_t sl_budget_left(const struct sl_budget *budget, enum sl_budget_part part);

/* Is the time over? */
bool sl_budget_is_over(const struct sl_budget *budget);

const char *sl_budget_text(enum sl_budget_part part);

#endif
