/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/load/checker.h"

/* Ten messages of one key, "topic-0" and "aggregate-0"; message i has sequence i + 1. */
struct setup {
    struct sl_load_plan *plan;
    struct sl_checker *checker;
};

static void free_setup(struct setup *setup)
{
    sl_checker_free(setup->checker);
    sl_load_plan_free(setup->plan);
}

static struct setup make_setup(void)
{
    const struct sl_scenario_load load = {
        .events = 10, .topics = 1, .aggregates = 1, .payload = 64, .publishers = 1};
    struct setup setup = {0};
    cr_assert_eq(sl_load_plan_new(&load, 1, &setup.plan, NULL), SL_OK);
    setup.checker = sl_checker_new(setup.plan);
    cr_assert_not_null(setup.checker);
    return setup;
}
#define SETUP(name) SL_CLEANUP(free_setup) struct setup name = make_setup()

static void try_all(struct setup *setup)
{
    for (uint32_t i = 0; i < setup->plan->n_events; i++)
        sl_checker_try(setup->checker, i);
    sl_checker_all_tried(setup->checker);
}

static void handle(struct setup *setup, uint32_t index)
{
    (void) sl_checker_enter(setup->checker, index);
    sl_checker_leave(setup->checker, index, false, 1000 + index);
}

static struct sl_load_counts counts_of(const struct setup *setup)
{
    struct sl_load_counts counts;
    sl_checker_count(setup->checker, &counts);
    return counts;
}

SL_TEST(checker, messages_handled_once_and_in_order_leave_nothing_to_report)
{
    SETUP(setup);
    try_all(&setup);
    for (uint32_t i = 0; i < 10; i++) {
        cr_assert(sl_checker_answer(setup.checker, i, SL_PUBLISH_ACCEPTED));
        handle(&setup, i);
    }
    struct sl_load_counts counts = counts_of(&setup);
    cr_assert_eq(counts.published, 10);
    cr_assert_eq(counts.handled, 10);
    cr_assert_eq(counts.handler_calls, 10);
    cr_assert_eq(counts.order_violations + counts.breaches + counts.redelivered, 0);
    cr_assert_str_empty(counts.first_violation);
    cr_assert_eq(counts.first_handled_ns, 1000);
    cr_assert_eq(counts.last_handled_ns, 1009);
    cr_assert(sl_checker_wait(setup.checker, 0));
}

SL_TEST(checker, what_was_tried_is_in_exactly_one_class)
{
    SETUP(setup);
    for (uint32_t i = 0; i < 9; i++) /* the last one is not tried */
        sl_checker_try(setup.checker, i);
    sl_checker_all_tried(setup.checker);
    handle(&setup, 0); /* published, with a late answer */
    cr_assert(sl_checker_answer(setup.checker, 0, SL_PUBLISH_ACCEPTED));
    cr_assert(sl_checker_answer(setup.checker, 1, SL_PUBLISH_ACCEPTED)); /* lost */
    cr_assert(sl_checker_answer(setup.checker, 2, SL_PUBLISH_REJECTED));
    cr_assert(sl_checker_answer(setup.checker, 3, SL_PUBLISH_UNKNOWN)); /* unknown */
    cr_assert(sl_checker_answer(setup.checker, 4, SL_PUBLISH_UNKNOWN)); /* came all the same */
    handle(&setup, 4);
    handle(&setup, 5);                         /* no answer, but it came */
    (void) sl_checker_enter(setup.checker, 6); /* a handler that has not ended */

    struct sl_load_counts counts = counts_of(&setup);
    cr_assert_eq(counts.published, 4, "0, 1, 4 and 5");
    cr_assert_eq(counts.rejected, 1, "2");
    cr_assert_eq(counts.unknown, 4, "3, 6, 7 and 8");
    cr_assert_eq(counts.handled, 3);
    cr_assert_eq(counts.published + counts.rejected + counts.unknown, 9);
    cr_assert_eq(counts.published - counts.handled, 1, "message 1 was lost");
    cr_assert_eq(sl_checker_open(setup.checker), 4, "1, 6, 7 and 8");
    cr_assert_not(sl_checker_wait(setup.checker, sl_clock_now_ns() + SL_NS_PER_MS));
}

SL_TEST(checker, an_earlier_message_after_a_later_one_is_a_violation)
{
    SETUP(setup);
    try_all(&setup);
    handle(&setup, 0);
    handle(&setup, 7);
    handle(&setup, 6);
    handle(&setup, 8);
    struct sl_load_counts counts = counts_of(&setup);
    cr_assert_eq(counts.order_violations, 1);
    cr_assert_str_eq(counts.first_violation, "topic topic-0 key aggregate-0: 7 after 8");
}

SL_TEST(checker, gaps_and_repetitions_are_no_violations)
{
    SETUP(setup);
    try_all(&setup);
    handle(&setup, 0);
    handle(&setup, 5);
    cr_assert_not(sl_checker_enter(setup.checker, 0), "not the first call for it");
    sl_checker_leave(setup.checker, 0, true, 5000);
    struct sl_load_counts counts = counts_of(&setup);
    cr_assert_eq(counts.order_violations, 0);
    cr_assert_eq(counts.handled, 2);
    cr_assert_eq(counts.handler_calls, 3);
    cr_assert_eq(counts.redelivered, 1);
    cr_assert_eq(counts.last_handled_ns, 1005, "a repetition is not what was waited for");
}

SL_TEST(checker, two_messages_of_a_key_at_once_are_a_violation)
{
    SETUP(setup);
    try_all(&setup);
    (void) sl_checker_enter(setup.checker, 0);
    (void) sl_checker_enter(setup.checker, 1);
    sl_checker_leave(setup.checker, 1, false, 1);
    sl_checker_leave(setup.checker, 0, false, 2);
    handle(&setup, 2);
    struct sl_load_counts counts = counts_of(&setup);
    cr_assert_eq(counts.order_violations, 1);
    cr_assert_str_eq(counts.first_violation,
                     "topic topic-0 key aggregate-0: 2 while another one is handled");
}

SL_TEST(checker, answers_that_the_contract_does_not_allow_are_breaches)
{
    SETUP(setup);
    for (uint32_t i = 0; i < 5; i++)
        sl_checker_try(setup.checker, i);
    cr_assert(sl_checker_answer(setup.checker, 0, SL_PUBLISH_ACCEPTED));
    cr_assert_not(sl_checker_answer(setup.checker, 0, SL_PUBLISH_ACCEPTED));
    cr_assert_str_eq(counts_of(&setup).first_breach, "second publish outcome for token 0");
    cr_assert_not(sl_checker_answer(setup.checker, 5, SL_PUBLISH_ACCEPTED), "not tried");
    cr_assert_not(sl_checker_answer(setup.checker, UINT64_MAX, SL_PUBLISH_ACCEPTED));
    cr_assert_not(sl_checker_answer(setup.checker, 1, (enum sl_publish_outcome) 3));
    handle(&setup, 1);
    cr_assert(sl_checker_answer(setup.checker, 1, SL_PUBLISH_REJECTED));
    cr_assert(sl_checker_answer(setup.checker, 2, SL_PUBLISH_REJECTED));
    handle(&setup, 2);
    handle(&setup, 9);
    struct sl_load_counts counts = counts_of(&setup);
    cr_assert_eq(counts.breaches, 7);
    cr_assert_eq(counts.published, 4, "0 and what was handled: 1, 2 and 9");
    cr_assert_eq(counts.rejected, 0);
}

SL_TEST(checker, a_publish_without_an_outcome_is_a_breach_with_its_token)
{
    SETUP(setup);
    try_all(&setup);
    for (uint32_t i = 0; i < 10; i++)
        if (i != 4)
            cr_assert(sl_checker_answer(setup.checker, i, SL_PUBLISH_ACCEPTED));
    cr_assert(sl_checker_demand_answers(setup.checker));
    cr_assert_eq(counts_of(&setup).breaches, 1);
    cr_assert_str_eq(counts_of(&setup).first_breach,
                     "token 4 was published and never got an outcome");
}

SL_TEST(checker, where_every_publish_that_was_tried_has_its_outcome_nothing_is_missing)
{
    SETUP(setup);
    for (uint32_t i = 0; i < 3; i++) {
        sl_checker_try(setup.checker, i);
        cr_assert(sl_checker_answer(setup.checker, i, (enum sl_publish_outcome) i));
    }
    cr_assert_not(sl_checker_demand_answers(setup.checker));
    cr_assert_eq(counts_of(&setup).breaches, 0);
}
