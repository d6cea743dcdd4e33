/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/budget.h"

#include "base/clock.h"

#define MIB ((uint64_t) 1024 * 1024)

static const uint64_t defaults[] = {
    [SL_BUDGET_TIME] = 30 * SL_NS_PER_S,
    [SL_BUDGET_MEMORY] = 1536 * MIB,
    [SL_BUDGET_FILES] = 4096 * MIB,
    [SL_BUDGET_FRAMES] = 1000000,
};

static const char *const texts[] = {
#define X(name, text) [SL_BUDGET_##name] = (text),
    SL_BUDGET_MAP(X)
#undef X
};

void sl_budget_begin(struct sl_budget *budget, const uint64_t limits[SL_N_BUDGET_PARTS])
{
    for (int part = 0; part < SL_N_BUDGET_PARTS; part++)
        atomic_init(&budget->left[part], limits[part] ? limits[part] : defaults[part]);
    atomic_init(&budget->n_silent, 0);
    atomic_init(&budget->silent_device, 0);
    uint64_t now = sl_clock_now_ns(), time = atomic_load(&budget->left[SL_BUDGET_TIME]);
    budget->end_ns = time > UINT64_MAX - now ? UINT64_MAX : now + time;
}

bool sl_budget_take(struct sl_budget *budget, enum sl_budget_part part, uint64_t amount)
{
    if (!budget)
        return true;
    uint_fast64_t left = atomic_load(&budget->left[part]);
    do {
        if (left < amount)
            return false;
    } while (!atomic_compare_exchange_weak(&budget->left[part], &left, left - amount));
    return true;
}

void sl_budget_give_back(struct sl_budget *budget, enum sl_budget_part part, uint64_t amount)
{
    if (budget)
        (void) atomic_fetch_add(&budget->left[part], amount);
}

uint64_t sl_budget_left(const struct sl_budget *budget, enum sl_budget_part part)
{
    if (!budget)
        return UINT64_MAX;
    return part == SL_BUDGET_TIME ? sl_clock_left_ns(budget->end_ns)
                                  : atomic_load(&budget->left[part]);
}

bool sl_budget_is_over(const struct sl_budget *budget)
{
    return budget && sl_clock_now_ns() >= budget->end_ns;
}

const char *sl_budget_text(enum sl_budget_part part)
{
    return texts[part];
}
