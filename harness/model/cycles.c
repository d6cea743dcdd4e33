/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/cycles.h"

#include <stdbool.h>

#include "base/macros.h"

const char *sl_slope_text(enum sl_slope slope)
{
    static const char *const texts[] = {
#define X(name, text) [SL_SLOPE_##name] = (text),
        SL_SLOPE_MAP(X)
#undef X
    };
    return (size_t) slope < SL_COUNT_OF(texts) ? texts[slope] : "unknown";
}

/*
 * The first cycle may leave what is made once for the process, so the steps are those after it.
 * That it left some at all counts as growth, too: a thread that two cycles out of two have added
 * to is not one that came once.
 */
enum sl_slope sl_cycles_judge(const uint64_t *counts, size_t n_counts, struct sl_real *ret_slope)
{
    size_t n_grown = n_counts && counts[0] > 0;
    bool even = true;

    if (n_counts < 2) {
        *ret_slope = SL_MISSING_REAL("fewer than two cycles");
        return SL_SLOPE_ONCE;
    }
    uint64_t first = counts[0], last = counts[n_counts - 1];
    *ret_slope = SL_REAL(((double) last - (double) first) / (double) (n_counts - 1));
    for (size_t i = 1; i < n_counts; i++) {
        n_grown += counts[i] > counts[i - 1];
        even = even && counts[i] - counts[i - 1] == counts[1] - counts[0];
    }
    if (n_grown < 2 || last <= first)
        return SL_SLOPE_ONCE;
    return even ? SL_SLOPE_PER_CYCLE : SL_SLOPE_GROWING;
}
