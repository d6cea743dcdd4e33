/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdint.h>

#include "base/fail.h"
#include "base/grow.h"
#include "sl_alloc.h"

SL_TEST(grow, elements_survive_growing_one_by_one)
{
    SL_AUTO_FREE uint32_t *numbers = NULL;
    size_t capacity = 0, n_grown = 0;

    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = capacity;
        cr_assert(sl_grow(&numbers, &capacity, i + 1));
        cr_assert_gt(capacity, i);
        n_grown += capacity != before;
        numbers[i] = i;
    }
    for (uint32_t i = 0; i < 10000; i++)
        cr_assert_eq(numbers[i], i);
    cr_assert_lt(n_grown, 15, "capacity doubles");
}

SL_TEST(grow, what_has_room_already_is_not_moved)
{
    SL_AUTO_FREE uint64_t *numbers = NULL;
    size_t capacity = 0;

    cr_assert(sl_grow(&numbers, &capacity, 100));
    uint64_t *before = numbers;
    cr_assert(sl_grow(&numbers, &capacity, capacity));
    cr_assert(sl_grow(&numbers, &capacity, 0));
    cr_assert_eq(numbers, before);
}

SL_TEST(grow, a_size_that_overflows_changes_nothing)
{
    SL_AUTO_FREE uint64_t *numbers = NULL;
    size_t capacity = 0;

    cr_assert(sl_grow(&numbers, &capacity, 4));
    uint64_t *before = numbers;
    size_t capacity_before = capacity;
    cr_assert_not(sl_grow(&numbers, &capacity, SIZE_MAX));
    cr_assert_not(sl_grow(&numbers, &capacity, SIZE_MAX / sizeof *numbers + 1));
    cr_assert_eq(numbers, before);
    cr_assert_eq(capacity, capacity_before);
}

static enum sl_status attempt_to_grow(void *user, struct sl_error *err)
{
    SL_AUTO_FREE uint64_t *numbers = NULL;
    size_t capacity = 0;

    (void) user;
    for (size_t need = 1; need <= 100; need++) {
        uint64_t *before = numbers;
        size_t capacity_before = capacity;
        if (!sl_grow(&numbers, &capacity, need)) {
            cr_assert(numbers == before && capacity == capacity_before);
            return sl_fail(err, SL_ENOMEM, "out of memory");
        }
        numbers[need - 1] = need;
    }
    return SL_OK;
}

SL_TEST(grow, a_failed_allocation_changes_nothing)
{
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, attempt_to_grow, NULL), 2);
}
