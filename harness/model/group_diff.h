/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed between lists of groups, whatever they were counted in: two snapshots, two reports,
 * or several of them in order.
 */
#ifndef SL_MODEL_GROUP_DIFF_H
#define SL_MODEL_GROUP_DIFF_H

#include <strandline/leak.h>

#include "base/arena.h"

struct sl_group_count {
    const char *fingerprint;
    uint32_t count;
};

/* Of one fingerprint there may be several; their counts are added up. */
struct sl_group_list {
    const struct sl_group_count *counts;
    size_t n;
};

#define SL_GROUP_ABSENT SIZE_MAX

struct sl_group_point {
    uint64_t count; /* 0 where it is absent */
    size_t index;   /* of its first in the list, or SL_GROUP_ABSENT */
};

/* One fingerprint over all lists. */
struct sl_group_series {
    const char *fingerprint;
    enum sl_diff_kind change;            /* from the first list to the last; gone also when it came
                                            and went in between */
    const struct sl_group_point *points; /* one a list, in their order */
};

/*
 * Join lists, one or more, by fingerprint.
 *
 * @param ret_series  in arena, each fingerprint once, in their order; the strings are the lists'
 * @return false when memory is short
 */
bool sl_group_diff(const struct sl_group_list *lists, size_t n_lists, struct sl_arena *arena,
                   const struct sl_group_series **ret_series, size_t *ret_n_series);

#endif
