/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of processes that were ended with a subject. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/process/leftover.h"

#define NOT_REACHED "the subject ended before Close"

struct told {
    struct sl_arena *arena;
    struct sl_left_behind left;
};

static void told_release(struct told *told)
{
    sl_arena_free(told->arena);
}

static struct told tell(const struct sl_ended *ended, struct sl_value before)
{
    struct told told = {.arena = sl_arena_new(), .left.processes = before};
    struct sl_error err = {0};

    cr_assert_not_null(told.arena);
    sl_assert_ok(sl_holdings_ended(NULL, ended, told.arena, &told.left, &err), &err);
    return told;
}

static uint64_t count_items(const struct sl_left_behind *left)
{
    uint64_t n = 0;
    for (size_t i = 0; i < left->n_items; i++) {
        cr_assert_str_eq(left->items[i].kind, "process");
        n += left->items[i].count;
    }
    return n;
}

SL_TEST(leftover, processes_that_were_ended_are_named)
{
    const struct sl_ended ended = {.n = 2, .named = {{7, "one"}, {8, "two"}}};
    SL_CLEANUP(told_release) struct told told = tell(&ended, SL_VALUE(1));

    cr_assert_eq(told.left.processes.value, 3, "one was told of before");
    cr_assert_eq(told.left.n_items, 2);
    cr_assert_str_eq(told.left.items[0].what, "'one', pid 7, ended with the subject");
    cr_assert_str_eq(told.left.items[1].what, "'two', pid 8, ended with the subject");
}

SL_TEST(leftover, a_subject_that_did_not_get_to_close_has_them_counted_too)
{
    const struct sl_ended some = {.n = 1, .named = {{7, "one"}}}, none = {0};
    SL_CLEANUP(told_release) struct told told = tell(&some, SL_MISSING_VALUE(NOT_REACHED));
    SL_CLEANUP(told_release) struct told nothing = tell(&none, SL_MISSING_VALUE(NOT_REACHED));

    cr_assert_null(told.left.processes.missing);
    cr_assert_eq(told.left.processes.value, 1);
    cr_assert_str_eq(nothing.left.processes.missing, NOT_REACHED);
    cr_assert_eq(nothing.left.n_items, 0);
}

SL_TEST(leftover, those_that_could_not_be_ended_are_told)
{
    const struct sl_ended ended = {.n = 1, .n_living = 2, .named = {{7, "one"}}};
    SL_CLEANUP(told_release) struct told told = tell(&ended, SL_VALUE(0));

    cr_assert_eq(told.left.processes.value, 3);
    cr_assert_eq(count_items(&told.left), 3);
    cr_assert_str_eq(told.left.items[1].what, "not to be ended");
}

SL_TEST(leftover, more_than_have_names_are_counted)
{
    struct sl_ended ended = {.n = 1000};
    for (size_t i = 0; i < SL_ENDED_NAMED; i++)
        ended.named[i].pid = (int32_t) i + 2;
    SL_CLEANUP(told_release) struct told told = tell(&ended, SL_VALUE(0));

    cr_assert_eq(told.left.processes.value, 1000);
    cr_assert_eq(count_items(&told.left), SL_ENDED_NAMED);
}

SL_TEST(leftover, only_timers_that_were_not_there_before_stayed)
{
    const struct sl_process own = {.pid = getpid()};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    SL_AUTO(sl_holdings) struct sl_holdings *before = NULL, *after = NULL;
    struct sl_left_behind left = {0};
    struct sl_error err = {0};
    timer_t timer;

    cr_assert_not_null(arena);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    sl_assert_ok(sl_holdings_read(&own, &before, &err), &err);
    cr_assert_eq(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    sl_assert_ok(sl_holdings_read(&own, &after, &err), &err);
    sl_assert_ok(sl_holdings_compare(before, after, arena, &left, &err), &err);
    if (left.timers.missing)
        cr_skip_test("%s", left.timers.missing);
    cr_assert_eq(left.timers.value, 1);
}
