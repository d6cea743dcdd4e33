/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "harness/load/plan.h"

static const struct sl_scenario_load usual = {
    .events = 10000, .topics = 5, .aggregates = 100, .payload = 256, .publishers = 1};

static struct sl_load_plan *make_plan(const struct sl_scenario_load *load, uint64_t seed)
{
    struct sl_error err = {0};
    struct sl_load_plan *plan = NULL;
    sl_assert_ok(sl_load_plan_new(load, seed, &plan, &err), &err);
    return plan;
}

static uint32_t events_of(const struct sl_load_plan *plan, uint32_t key)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->n_events; i++)
        n += plan->events[i].key == key;
    return n;
}

SL_TEST(load_plan, the_seed_decides_the_plan)
{
    SL_AUTO(sl_load_plan) struct sl_load_plan *a = make_plan(&usual, 7);
    SL_AUTO(sl_load_plan) struct sl_load_plan *same = make_plan(&usual, 7);
    SL_AUTO(sl_load_plan) struct sl_load_plan *other = make_plan(&usual, 8);
    size_t size = a->n_events * sizeof *a->events;

    cr_assert_eq(memcmp(a->events, same->events, size), 0);
    cr_assert_neq(memcmp(a->events, other->events, size), 0);
}

SL_TEST(load_plan, each_key_counts_from_one_without_a_gap)
{
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&usual, 1);
    uint32_t next[100] = {0};

    for (uint32_t i = 0; i < plan->n_events; i++)
        cr_assert_eq(plan->events[i].sequence, ++next[plan->events[i].key]);
}

SL_TEST(load_plan, each_publisher_has_its_own_keys_and_all_events_have_one)
{
    struct sl_scenario_load load = usual;
    load.publishers = 7;
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&load, 1);
    SL_AUTO_FREE unsigned char *seen = calloc(plan->n_events, 1);

    cr_assert_eq(plan->publisher_start[7], plan->n_events);
    for (uint32_t p = 0; p < 7; p++) {
        for (uint32_t i = plan->publisher_start[p]; i < plan->publisher_start[p + 1]; i++) {
            uint32_t index = plan->by_publisher[i];
            cr_assert_eq(sl_load_plan_publisher_of(plan, plan->events[index].key), p);
            cr_assert(i == plan->publisher_start[p] || plan->by_publisher[i - 1] < index);
            cr_assert_eq(seen[index]++, 0);
        }
    }
}

SL_TEST(load_plan, uniform_keys_get_about_the_same)
{
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&usual, 1);
    for (uint32_t key = 0; key < 100; key++) { /* 100 each, standard deviation 10 */
        uint32_t n = events_of(plan, key);
        cr_assert(n > 50 && n < 150, "key %u has %u", key, n);
    }
}

SL_TEST(load_plan, a_hot_key_gets_its_share)
{
    struct sl_scenario_load load = usual;
    load.keys = SL_KEYS_HOT;
    load.keys_parameter = 0.5;
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&load, 1);
    uint32_t n = events_of(plan, 0);

    cr_assert(n > 4800 && n < 5200, "%u", n); /* standard deviation 50 */
    cr_assert_gt(events_of(plan, 99), 20);
}

SL_TEST(load_plan, zipf_keys_fall_with_their_rank)
{
    struct sl_scenario_load load = usual;
    load.events = 100000;
    load.keys = SL_KEYS_ZIPF;
    load.keys_parameter = 1;
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&load, 1);
    double first = events_of(plan, 0); /* 100000 / H(100) = 19277 */

    cr_assert(first > 18700 && first < 19900, "%f", first);
    cr_assert(events_of(plan, 1) > first * 0.45 && events_of(plan, 1) < first * 0.55);
    cr_assert(events_of(plan, 9) > first * 0.08 && events_of(plan, 9) < first * 0.12);
}

SL_TEST(load_plan, an_aggregate_has_one_topic_and_no_topic_is_idle)
{
    struct sl_scenario_load load = usual;
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&load, 1);
    load.topics = 50;
    load.aggregates = 3;
    SL_AUTO(sl_load_plan) struct sl_load_plan *wide = make_plan(&load, 1);

    cr_assert_eq(plan->n_keys, 100);
    cr_assert_str_eq(plan->topics[sl_load_plan_topic_of(plan, 7)], "topic-2");
    cr_assert_str_eq(plan->keys[7], "aggregate-7");
    cr_assert_eq(wide->n_keys, 50);
    cr_assert_str_eq(wide->topics[sl_load_plan_topic_of(wide, 49)], "topic-49");
    cr_assert_str_eq(wide->keys[49], "aggregate-1");
}

SL_TEST(load_plan, one_key_is_enough)
{
    struct sl_scenario_load load = usual;
    load.topics = load.aggregates = 1;
    for (int keys = SL_KEYS_UNIFORM; keys <= SL_KEYS_SLOW; keys++) {
        load.keys = (enum sl_key_distribution) keys;
        load.keys_parameter = 0.5;
        SL_AUTO(sl_load_plan) struct sl_load_plan *plan = make_plan(&load, 1);
        cr_assert_eq(events_of(plan, 0), load.events);
    }
}

SL_TEST(load_plan, nothing_to_publish_is_refused)
{
    uint32_t *fields[4];
    struct sl_scenario_load load;
    fields[0] = &load.events;
    fields[1] = &load.topics;
    fields[2] = &load.aggregates;
    fields[3] = &load.publishers;
    for (size_t i = 0; i < 4; i++) {
        struct sl_error err = {0};
        struct sl_load_plan *plan = NULL;
        load = usual;
        *fields[i] = 0;
        sl_assert_fails(sl_load_plan_new(&load, 1, &plan, &err), SL_EINVAL, &err,
                        "nothing to publish");
        cr_assert_null(plan);
    }
    struct sl_error err = {0};
    struct sl_load_plan *plan = NULL;
    load = usual;
    load.payload = SL_PAYLOAD_MIN - 1;
    sl_assert_fails(sl_load_plan_new(&load, 1, &plan, &err), SL_EINVAL, &err,
                    "payload of 63 bytes");
}
