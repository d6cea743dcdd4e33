/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/clock.h"
#include "harness/snapshot/target/budget.h"

SL_TEST(budget, what_is_taken_is_gone_until_it_is_given_back)
{
    struct sl_budget budget;
    sl_budget_begin(&budget, (uint64_t[SL_N_BUDGET_PARTS]){[SL_BUDGET_FRAMES] = 10});
    cr_assert(sl_budget_take(&budget, SL_BUDGET_FRAMES, 7));
    cr_assert_not(sl_budget_take(&budget, SL_BUDGET_FRAMES, 4));
    cr_assert_eq(sl_budget_left(&budget, SL_BUDGET_FRAMES), 3, "a refusal takes nothing");
    sl_budget_give_back(&budget, SL_BUDGET_FRAMES, 7);
    cr_assert(sl_budget_take(&budget, SL_BUDGET_FRAMES, 10));
    cr_assert(sl_budget_take(&budget, SL_BUDGET_FRAMES, 0));
}

SL_TEST(budget, parts_do_not_lend_to_each_other)
{
    struct sl_budget budget;
    sl_budget_begin(&budget, (uint64_t[SL_N_BUDGET_PARTS]){[SL_BUDGET_MEMORY] = 1});
    cr_assert_not(sl_budget_take(&budget, SL_BUDGET_MEMORY, 2));
    cr_assert(sl_budget_take(&budget, SL_BUDGET_FILES, 1 << 20), "by default there is plenty");
}

SL_TEST(budget, time_is_over_when_it_has_passed)
{
    struct sl_budget budget;
    sl_budget_begin(&budget, (uint64_t[SL_N_BUDGET_PARTS]){0});
    cr_assert_not(sl_budget_is_over(&budget));
    sl_budget_begin(&budget, (uint64_t[SL_N_BUDGET_PARTS]){[SL_BUDGET_TIME] = 1});
    while (!sl_budget_is_over(&budget))
        continue;
    cr_assert_eq(sl_budget_left(&budget, SL_BUDGET_TIME), 0);
    sl_budget_begin(&budget, (uint64_t[SL_N_BUDGET_PARTS]){[SL_BUDGET_TIME] = UINT64_MAX});
    cr_assert_not(sl_budget_is_over(&budget), "the longest time does not wrap around");
}

SL_TEST(budget, none_has_no_bounds)
{
    cr_assert(sl_budget_take(NULL, SL_BUDGET_MEMORY, UINT64_MAX));
    sl_budget_give_back(NULL, SL_BUDGET_MEMORY, 1);
    cr_assert_eq(sl_budget_left(NULL, SL_BUDGET_TIME), UINT64_MAX);
    cr_assert_not(sl_budget_is_over(NULL));
}
