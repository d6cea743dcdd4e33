/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing work out over threads. */
#include "sl_test.h"

#include <stdatomic.h>

#include "base/macros.h"
#include "harness/snapshot/crew.h"

#define MANY 10000

static atomic_int done[MANY];

static void count(void *argument, size_t i)
{
    atomic_fetch_add((atomic_size_t *) argument, i);
    atomic_fetch_add(&done[i], 1);
}

static void each_of(size_t n)
{
    atomic_size_t sum = 0;

    for (size_t i = 0; i < MANY; i++)
        atomic_store(&done[i], 0);
    sl_crew_run(n, count, &sum);
    for (size_t i = 0; i < MANY; i++)
        cr_assert_eq(atomic_load(&done[i]), i < n, "item %zu of %zu", i, n);
    cr_assert_eq(atomic_load(&sum), n ? n * (n - 1) / 2 : 0);
}

SL_TEST(crew, every_item_is_done_once_and_is_done_afterwards)
{
    static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 257, 1000, MANY};
    for (size_t i = 0; i < SL_COUNT_OF(sizes); i++)
        each_of(sizes[i]);
}
