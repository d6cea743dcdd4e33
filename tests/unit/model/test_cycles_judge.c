/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/macros.h"
#include "harness/model/cycles.h"

SL_TEST(cycles_judge, growth_is_told_from_what_comes_once)
{
    static const struct {
        uint64_t counts[6];
        size_t n;
        enum sl_slope kind;
        double slope;
    } cases[] = {
        {{1, 1, 1}, 3, SL_SLOPE_ONCE, 0},
        {{0, 1, 1}, 3, SL_SLOPE_ONCE, 0.5},      /* came late, and then no more */
        {{0, 0, 1}, 3, SL_SLOPE_ONCE, 0.5},      /* nobody knows whether it goes on */
        {{0, 1}, 2, SL_SLOPE_ONCE, 1},           /* the first cycle left none */
        {{5, 4, 5}, 3, SL_SLOPE_ONCE, 0},        /* no more than at first */
        {{5, 3, 1}, 3, SL_SLOPE_ONCE, -2},       /* they end, late */
        {{1, 2}, 2, SL_SLOPE_PER_CYCLE, 1},      /* each of two */
        {{5, 10, 15}, 3, SL_SLOPE_PER_CYCLE, 5}, /* per topic */
        {{0, 1, 2, 3}, 4, SL_SLOPE_PER_CYCLE, 1},
        {{3, 4, 5, 6}, 4, SL_SLOPE_PER_CYCLE, 1}, /* the first has two more of its own */
        {{1, 3, 7, 15}, 4, SL_SLOPE_GROWING, 14.0 / 3},
        {{1, 1, 2, 2, 3, 3}, 6, SL_SLOPE_GROWING, 0.4},
        {{100, 205, 309}, 3, SL_SLOPE_GROWING, 104.5},
        {{1, 3, 2}, 3, SL_SLOPE_GROWING, 0.5},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_real slope;
        cr_assert_eq(sl_cycles_judge(cases[i].counts, cases[i].n, &slope), cases[i].kind, "%zu", i);
        cr_assert(!slope.missing && slope.value == cases[i].slope, "%zu: %g", i, slope.value);
    }
}

SL_TEST(cycles_judge, one_cycle_has_no_slope)
{
    struct sl_real slope = SL_REAL(7);
    cr_assert_eq(sl_cycles_judge((const uint64_t[]){5}, 1, &slope), SL_SLOPE_ONCE);
    cr_assert(slope.missing);
    slope = SL_REAL(7);
    cr_assert_eq(sl_cycles_judge(NULL, 0, &slope), SL_SLOPE_ONCE);
    cr_assert(slope.missing);
}
