/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/leak/settle/settle.h"
#include "sl_alloc.h"

#define CLOSED_NS (100 * SL_NS_PER_S)
#define WINDOW_NS (2 * SL_NS_PER_S)

#define MAIN                                                                                       \
    {                                                                                              \
        .tid = 1, .start_time = 1, .name = "main"                                                  \
    }
#define WORKER                                                                                     \
    {                                                                                              \
        .tid = 20, .start_time = 5, .name = "worker"                                               \
    }
#define TIMER                                                                                      \
    {                                                                                              \
        .tid = 10, .start_time = 4, .name = "timer", .library = true                               \
    }

static struct sl_settle *new_settle(void)
{
    static const struct sl_settle_thread baseline[] = {MAIN};
    struct sl_settle *settle = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_settle_new(baseline, 1, CLOSED_NS, WINDOW_NS, &settle, &err), &err);
    return settle;
}

/* One look, passed_ms after Close. */
#define LOOK(settle, passed_ms, ...)                                                               \
    look(settle, passed_ms, (const struct sl_settle_thread[]){__VA_ARGS__},                        \
         sizeof((const struct sl_settle_thread[]){__VA_ARGS__}) / sizeof(struct sl_settle_thread))

static struct sl_settle_step look(struct sl_settle *settle, uint64_t passed_ms,
                                  const struct sl_settle_thread *threads, size_t n_threads)
{
    struct sl_settle_step step = {.wait_ns = 77};
    struct sl_error err = {0};
    sl_assert_ok(sl_settle_feed(settle, CLOSED_NS + passed_ms * SL_NS_PER_MS, threads, n_threads,
                                &step, &err),
                 &err);
    cr_assert_eq(step.done, step.wait_ns == 0);
    return step;
}

static void assert_late(const struct sl_settle *settle, size_t at, pid_t tid, const char *name,
                        uint64_t delay_ms)
{
    const struct sl_late_thread *late;
    size_t n_late;
    sl_settle_late(settle, &late, &n_late);
    cr_assert_lt(at, n_late);
    cr_assert_eq(late[at].tid, tid);
    cr_assert_str_eq(late[at].name, name);
    cr_assert_eq(late[at].delay_ns, delay_ms * SL_NS_PER_MS);
}

static size_t count_late(const struct sl_settle *settle)
{
    const struct sl_late_thread *late;
    size_t n_late;
    sl_settle_late(settle, &late, &n_late);
    return n_late;
}

SL_TEST(leak_settle, with_nothing_but_the_baseline_it_is_done_at_once)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert(LOOK(settle, 0, MAIN).done);
    cr_assert_eq(count_late(settle), 0);
}

SL_TEST(leak_settle, a_thread_that_ends_after_30_ms_is_late_by_30_ms)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, WORKER).done);
    cr_assert_not(LOOK(settle, 15, WORKER, MAIN).done);
    cr_assert(LOOK(settle, 30, MAIN).done);
    cr_assert_eq(count_late(settle), 1);
    assert_late(settle, 0, 20, "worker", 30);
}

SL_TEST(leak_settle, a_thread_that_never_ends_takes_the_whole_window_and_is_not_late)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    uint64_t passed_ms = 0;
    while (!LOOK(settle, passed_ms, MAIN, WORKER).done)
        passed_ms += 10;
    cr_assert_eq(passed_ms, 2000);
    cr_assert_eq(count_late(settle), 0);
}

SL_TEST(leak_settle, looks_back_off_from_1_to_50_ms)
{
    static const uint64_t waits_ms[] = {1, 2, 4, 8, 16, 32, 50, 50};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    uint64_t passed_ms = 0;
    for (size_t i = 0; i < SL_COUNT_OF(waits_ms); i++) {
        struct sl_settle_step step = LOOK(settle, passed_ms, MAIN, WORKER);
        cr_assert_eq(step.wait_ns, waits_ms[i] * SL_NS_PER_MS);
        passed_ms += waits_ms[i];
    }
}

SL_TEST(leak_settle, the_last_wait_ends_with_the_window)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    for (int i = 0; i < 8; i++)
        (void) LOOK(settle, 0, MAIN, WORKER);
    cr_assert_eq(LOOK(settle, 1990, MAIN, WORKER).wait_ns, 10 * SL_NS_PER_MS);
}

SL_TEST(leak_settle, library_threads_have_to_hold_still_for_100_ms)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 5, MAIN, TIMER).done);
    for (int i = 0; i < 8; i++)
        cr_assert_not(LOOK(settle, 100, MAIN, TIMER).done);
    cr_assert_eq(LOOK(settle, 100, MAIN, TIMER).wait_ns, 5 * SL_NS_PER_MS);
    cr_assert(LOOK(settle, 105, MAIN, TIMER).done);
    cr_assert_eq(count_late(settle), 0);
}

SL_TEST(leak_settle, a_library_thread_that_ends_starts_the_100_ms_again_and_is_late)
{
    const struct sl_settle_thread reader = {
        .tid = 11, .start_time = 4, .name = "reader", .library = true};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, TIMER, reader).done);
    cr_assert_not(LOOK(settle, 90, MAIN, TIMER).done);
    cr_assert_not(LOOK(settle, 189, MAIN, TIMER).done);
    cr_assert(LOOK(settle, 190, MAIN, TIMER).done);
    assert_late(settle, 0, 11, "reader", 90);
}

SL_TEST(leak_settle, a_library_thread_that_is_born_starts_the_100_ms_again)
{
    const struct sl_settle_thread born = {
        .tid = 11, .start_time = 9, .name = "reconnect", .library = true};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, TIMER).done);
    cr_assert_not(LOOK(settle, 90, MAIN, TIMER, born).done);
    cr_assert_not(LOOK(settle, 150, MAIN, TIMER, born).done);
    cr_assert(LOOK(settle, 190, MAIN, TIMER, born).done);
}

SL_TEST(leak_settle, when_the_last_library_thread_ends_nothing_is_left_to_hold_still)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, TIMER).done);
    cr_assert(LOOK(settle, 10, MAIN).done);
}

SL_TEST(leak_settle, a_thread_found_to_be_of_a_library_held_still_since_it_was_first_seen)
{
    const struct sl_settle_thread unknown = {.tid = 10, .start_time = 4, .name = "timer"};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, unknown).done);
    cr_assert_not(LOOK(settle, 99, MAIN, TIMER).done);
    cr_assert(LOOK(settle, 100, MAIN, TIMER).done);
}

SL_TEST(leak_settle, other_threads_are_waited_for_beside_library_threads)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, TIMER, WORKER).done);
    cr_assert_not(LOOK(settle, 500, MAIN, TIMER, WORKER).done);
    cr_assert(LOOK(settle, 550, MAIN, TIMER).done);
    assert_late(settle, 0, 20, "worker", 550);
}

SL_TEST(leak_settle, a_tid_reused_within_settle_is_one_thread_late_and_one_alive)
{
    const struct sl_settle_thread reborn = {.tid = 20, .start_time = 6, .name = "reborn"};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, WORKER).done);
    cr_assert_not(LOOK(settle, 10, MAIN, reborn).done);
    cr_assert_eq(count_late(settle), 1);
    assert_late(settle, 0, 20, "worker", 10);
    cr_assert(LOOK(settle, 40, MAIN).done);
    cr_assert_eq(count_late(settle), 2);
    assert_late(settle, 1, 20, "reborn", 40);
}

SL_TEST(leak_settle, a_tid_of_the_baseline_that_is_reused_is_a_new_thread)
{
    const struct sl_settle_thread reborn = {.tid = 1, .start_time = 9, .name = "reborn"};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, reborn).done);
    cr_assert(LOOK(settle, 10, MAIN).done);
    assert_late(settle, 0, 1, "reborn", 10);
}

SL_TEST(leak_settle, a_thread_born_and_gone_within_settle_is_late)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(LOOK(settle, 0, MAIN, TIMER).done);
    cr_assert_not(LOOK(settle, 7, MAIN, TIMER, WORKER).done);
    cr_assert_not(LOOK(settle, 20, MAIN, TIMER).done);
    assert_late(settle, 0, 20, "worker", 20);
}

SL_TEST(leak_settle, a_thread_that_one_look_missed_is_not_late)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    const struct sl_settle_thread other = {.tid = 30, .start_time = 5, .name = "other"};
    (void) LOOK(settle, 0, MAIN, WORKER, other);
    (void) LOOK(settle, 10, MAIN, other);
    cr_assert_eq(count_late(settle), 1);
    (void) LOOK(settle, 20, MAIN, WORKER, other);
    cr_assert_eq(count_late(settle), 0);
    (void) LOOK(settle, 30, MAIN);
    assert_late(settle, 0, 20, "worker", 30);
}

SL_TEST(leak_settle, late_threads_are_sorted_by_delay)
{
    const struct sl_settle_thread low = {.tid = 5, .start_time = 5, .name = "low"};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    (void) LOOK(settle, 0, MAIN, low, WORKER);
    (void) LOOK(settle, 10, MAIN, low);
    (void) LOOK(settle, 20, MAIN);
    assert_late(settle, 0, 20, "worker", 10);
    assert_late(settle, 1, 5, "low", 20);
}

SL_TEST(leak_settle, the_window_may_be_shorter_than_the_100_ms)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_settle_new(NULL, 0, CLOSED_NS, 10 * SL_NS_PER_MS, &settle, &err), &err);
    cr_assert_not(LOOK(settle, 0, TIMER).done);
    cr_assert(LOOK(settle, 10, TIMER).done);
}

SL_TEST(leak_settle, a_window_of_zero_is_one_look)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_settle_new(NULL, 0, CLOSED_NS, 0, &settle, &err), &err);
    cr_assert(LOOK(settle, 0, WORKER).done);
}

SL_TEST(leak_settle, five_thousand_threads_that_end_are_all_late)
{
    enum { N = 5125 };
    static struct sl_settle_thread threads[N];
    for (int i = 0; i < N; i++) /* descending, as a listing may be */
        threads[i] = (struct sl_settle_thread){.tid = 10000 - i, .start_time = 3, .name = "w"};
    SL_AUTO(sl_settle) struct sl_settle *settle = new_settle();
    cr_assert_not(look(settle, 0, threads, N).done);
    cr_assert_not(look(settle, 10, threads, 5).done);
    cr_assert_eq(count_late(settle), N - 5);
    cr_assert(look(settle, 20, threads, 0).done);
    cr_assert_eq(count_late(settle), N);
    assert_late(settle, N - 1, 10000, "w", 20);
}

/* A look that fails is repeated; the second try is then the first look. */
static enum sl_status look_once(void *user, struct sl_error *err)
{
    static const struct sl_settle_thread threads[] = {MAIN, WORKER};
    SL_AUTO(sl_settle) struct sl_settle *settle = NULL;
    struct sl_settle_step step = {.wait_ns = 77};
    (void) user;

    enum sl_status status = sl_settle_new(threads, 1, CLOSED_NS, WINDOW_NS, &settle, err);
    cr_assert_eq(settle == NULL, status != SL_OK);
    if (status)
        return status;
    status = sl_settle_feed(settle, CLOSED_NS, threads, 2, &step, err);
    cr_assert_eq(step.wait_ns, status ? 77 : SL_NS_PER_MS);
    if (status)
        cr_assert_eq(LOOK(settle, 0, MAIN, WORKER).wait_ns, SL_NS_PER_MS, "nothing had changed");
    return status;
}

SL_TEST(leak_settle, a_failed_allocation_is_reported_and_changes_nothing)
{
    cr_assert_eq(sl_alloc_fail_each(SL_ALLOC_ONE, look_once, NULL), 5);
}
