/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's table of the parked threads of this process.  A kernel before 6.16 has none,
 * so that nothing may change there; a later one has it since the first thread was created.
 */
#include "sl_test.h"

#include <sys/prctl.h>

#include "bus/thread/parking.h"

/* As in parking.c, from a kernel that may be newer than its headers. */
#define FUTEX_HASH           78
#define FUTEX_HASH_GET_SLOTS 2

/* -1: this kernel has no such table. */
static int count_slots(void)
{
    return prctl(FUTEX_HASH, FUTEX_HASH_GET_SLOTS, 0ul, 0ul, 0ul);
}

SL_TEST(bus_parking, a_few_threads_change_nothing)
{
    int before = count_slots();
    parking_prepare(8);
    cr_assert_eq(count_slots(), before);
}

SL_TEST(bus_parking, many_threads_get_a_table_that_never_shrinks)
{
    bool has_table = count_slots() > 0;
    parking_prepare(5000);
    int large = count_slots();
    cr_assert(has_table ? large >= 1250 : large <= 0);
    parking_prepare(200);
    cr_assert_eq(count_slots(), large);
}
