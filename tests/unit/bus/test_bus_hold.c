/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "bus/engine/hold.h"

static struct delivery delivery_of(const char *key, uint32_t number)
{
    return (struct delivery){.message = {.key = key, .deliveries = number}, .hash = key ? 7 : 0};
}

SL_TEST(bus_hold, later_messages_of_a_failed_key_wait_in_order)
{
    struct hold hold = {.keys = NULL};
    bool kept = false;
    struct delivery first = delivery_of("a", 1), second = delivery_of("a", 2), out;

    cr_assert(hold_add(&hold, &first, 0));
    cr_assert(hold_keep(&hold, &second, &kept));
    cr_assert(kept);
    cr_assert_eq(hold.n_deliveries, 2);
    cr_assert_null(hold_due(&hold, hold_next_ns(&hold) - 1));
    cr_assert_eq(hold_due(&hold, hold_next_ns(&hold))->message.deliveries, 2, "a retry");
    hold_leave(&hold);
    cr_assert_eq(hold_due(&hold, hold_next_ns(&hold))->message.deliveries, 2, "not tried");
    cr_assert(hold_remove(&hold, &out));
    cr_assert_eq(out.message.deliveries, 2);
    cr_assert_not(hold_remove(&hold, &out));
}

SL_TEST(bus_hold, other_keys_with_the_same_hash_pass)
{
    struct hold hold = {.keys = NULL};
    bool kept = true;
    struct delivery failed = delivery_of("a", 1), other = delivery_of("b", 1),
                    keyless = delivery_of(NULL, 1), out;

    cr_assert(hold_add(&hold, &failed, 0));
    cr_assert(hold_keep(&hold, &other, &kept));
    cr_assert_not(kept);
    cr_assert(hold_keep(&hold, &keyless, &kept));
    cr_assert_not(kept);
    cr_assert(hold_remove(&hold, &out));
}

SL_TEST(bus_hold, a_message_without_a_key_holds_no_other)
{
    struct hold hold = {.keys = NULL};
    bool kept = true;
    struct delivery failed = delivery_of(NULL, 1), other = delivery_of(NULL, 2), out;

    cr_assert(hold_add(&hold, &failed, 0));
    cr_assert(hold_keep(&hold, &other, &kept));
    cr_assert_not(kept);
    cr_assert(hold_remove(&hold, &out));
}

SL_TEST(bus_hold, the_soonest_retry_is_due_first_and_failures_push_it_back)
{
    struct hold hold = {.keys = NULL};
    struct delivery early = delivery_of("a", 1), late = delivery_of("b", 2), out;

    cr_assert(hold_add(&hold, &early, 0));
    cr_assert(hold_add(&hold, &late, SL_NS_PER_MS));
    cr_assert_str_eq(hold_due(&hold, SL_NS_PER_S)->message.key, "a");
    hold_failed(&hold, 10 * SL_NS_PER_MS); /* second failure: 20 ms on from here */
    cr_assert_str_eq(hold_due(&hold, SL_NS_PER_S)->message.key, "b");
    hold_leave(&hold);
    cr_assert_eq(hold_next_ns(&hold), 30 * SL_NS_PER_MS);
    cr_assert(hold_remove(&hold, &out));
    cr_assert_eq(hold_next_ns(&hold), UINT64_MAX);
}

SL_TEST(bus_hold, of_two_that_are_due_at_once_the_one_held_first_comes_first)
{
    struct hold hold = {.keys = NULL};
    struct delivery first = delivery_of("a", 1), second = delivery_of("b", 1), out;

    cr_assert(hold_add(&hold, &first, 0));
    cr_assert(hold_add(&hold, &second, 0));
    cr_assert_str_eq(hold_due(&hold, SL_NS_PER_S)->message.key, "a");
    while (hold_remove(&hold, &out))
        ;
}

SL_TEST(bus_hold, the_delay_doubles_up_to_one_second)
{
    static const uint64_t expected_ms[] = {10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    for (uint32_t i = 0; i < sizeof expected_ms / sizeof *expected_ms; i++)
        cr_assert_eq(hold_delay_ns(i + 1), expected_ms[i] * SL_NS_PER_MS);
}
