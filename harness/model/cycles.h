/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: what stays of a bus that is opened and closed several times in one process. */
#ifndef SL_MODEL_CYCLES_H
#define SL_MODEL_CYCLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/value.h"

/* How the number of a group's threads went over the cycles. */
#define SL_SLOPE_MAP(X)                                                                            \
    X(ONCE, "once")           /* grew in one cycle at most, or is no larger than at first */       \
    X(PER_CYCLE, "per-cycle") /* by the same number in each cycle after the first */               \
    X(GROWING, "growing")     /* in more than one cycle, not evenly */

enum sl_slope {
#define X(name, text) SL_SLOPE_##name,
    SL_SLOPE_MAP(X)
#undef X
};

const char *sl_slope_text(enum sl_slope slope);

struct sl_cycle_group {
    char fingerprint[17];
    const char *function;   /* as in struct sl_group */
    const uint64_t *counts; /* threads alive when the cycle had settled, one a cycle */
    size_t n_counts;
    struct sl_real slope; /* threads per cycle, from the first to the last */
    enum sl_slope kind;
};

struct sl_cycles {
    uint32_t planned;                    /* 0: the bus was to be opened once, as ever */
    uint32_t n;                          /* that came to their settled end */
    const struct sl_cycle_group *groups; /* in the order of their fingerprints */
    size_t n_groups;
};

/* What these counts say; ret_slope is missing with fewer than two. */
enum sl_slope sl_cycles_judge(const uint64_t *counts, size_t n_counts, struct sl_real *ret_slope);

#endif
