/* SPDX-License-Identifier: Apache-2.0 */
/* Where a Close that hangs is said to stand. */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/run/hang.h"
#include "snapshot_builder.h"

#define CLOSER 71
#define OTHER  72

struct scene {
    struct sl_snapshot_builder *builder;
    struct sl_arena *arena;
    struct sl_snapshot *snapshot;
};

static void scene_release(struct scene *scene)
{
    sl_snapshot_builder_free(scene->builder);
    sl_arena_free(scene->arena);
}

/* A closer in bus_close, as `wait` and `state` say, and a worker that may be waited for. */
static struct scene scene_new(struct sl_wait wait, char state, const char *worker_held)
{
    struct scene scene = {.builder = sl_snapshot_builder_new(), .arena = sl_arena_new()};
    const struct sl_stack *stack = sl_build_stack(scene.builder, "bus.so:bus_close|app:main");
    const struct sl_stack *worker = sl_build_stack(scene.builder, "bus.so:handle|bus.so:work");

    scene.snapshot = sl_build_snapshot(scene.builder, 1);
    scene.snapshot->pid = CLOSER;
    struct sl_thread *closer =
        sl_build_thread(scene.builder, CLOSER, 1, state == 'Z' ? NULL : stack);
    closer->wait = wait;
    closer->state = state;
    struct sl_thread *other = sl_build_thread(scene.builder, OTHER, 1, worker);
    other->wait.held = worker_held;
    memcpy(other->name, "u-w3", sizeof "u-w3");
    return scene;
}

static void check(struct sl_wait wait, char state, const char *worker_held, const char *expected)
{
    SL_CLEANUP(scene_release) struct scene scene = scene_new(wait, state, worker_held);
    struct sl_trial_result result = {
        .close = {.timed_out = true, .duration_ns = SL_MISSING_VALUE("it did not return")}};
    sl_hang_describe(scene.snapshot, NULL, "hang", scene.arena, &result);
    cr_assert_str_eq(result.close.waits_for, expected);
}

SL_TEST(hang, a_close_that_waits_is_told_with_what_it_waits_in)
{
    check((struct sl_wait){.kind = SL_WAIT_CONDITION}, 'S', NULL,
          "stands in bus_close, waiting in condition");
    check((struct sl_wait){.kind = SL_WAIT_OTHER, .syscall_nr = 219, .syscall = "restart_syscall"},
          'S', NULL, "stands in bus_close, waiting in a call that the kernel restarted");
}

SL_TEST(hang, a_close_that_may_not_run_is_said_to_be_stopped_traced_or_frozen)
{
    check((struct sl_wait){.syscall_nr = -1, .held = "stopped"}, 'T', NULL,
          "stands in bus_close, stopped");
    check((struct sl_wait){.kind = SL_WAIT_SLEEP, .held = "frozen"}, 'S', NULL,
          "stands in bus_close, waiting in sleep, frozen");
}

SL_TEST(hang, so_is_the_thread_that_it_waits_for)
{
    check((struct sl_wait){.kind = SL_WAIT_JOIN, .owner = OTHER}, 'S', NULL,
          "stands in bus_close, waiting for thread 72 'u-w3', which stands in handle");
    check((struct sl_wait){.kind = SL_WAIT_JOIN, .owner = OTHER}, 'S', "stopped",
          "stands in bus_close, waiting for thread 72 'u-w3', which stands in handle, stopped");
}

/* The worker waits as `wait` says, and the closer for it. */
static void check_chain(struct sl_wait wait, const char *expected)
{
    SL_CLEANUP(scene_release)
    struct scene scene = scene_new(
        (struct sl_wait){.kind = SL_WAIT_MUTEX, .object = 0x1000, .owner = OTHER}, 'S', NULL);
    struct sl_trial_result result = {
        .close = {.timed_out = true, .duration_ns = SL_MISSING_VALUE("it did not return")}};
    struct sl_thread *third = sl_build_thread(
        scene.builder, OTHER + 1, 1, sl_build_stack(scene.builder, "bus.so:flush|bus.so:work"));

    memcpy(third->name, "third", sizeof "third");
    ((struct sl_thread *) sl_snapshot_find(scene.snapshot, OTHER))->wait = wait;
    sl_hang_describe(scene.snapshot, NULL, "hang", scene.arena, &result);
    cr_assert_str_eq(result.close.waits_for, expected);
    cr_assert_eq(result.leaks.wait_tree.n_roots, 1);
}

SL_TEST(hang, the_waits_of_a_close_are_followed_to_their_end)
{
    check_chain((struct sl_wait){.kind = SL_WAIT_JOIN, .owner = OTHER + 1},
                "stands in bus_close, waiting for thread 72 'u-w3', which holds mutex 0x1000 and "
                "stands in handle, waiting for thread 73 'third', which stands in flush");
}

SL_TEST(hang, who_waits_for_a_close_that_waits_for_nobody_in_sight_is_counted)
{
    SL_CLEANUP(scene_release)
    struct scene scene = scene_new((struct sl_wait){.kind = SL_WAIT_CONDITION}, 'S', NULL);
    struct sl_trial_result result = {
        .close = {.timed_out = true, .duration_ns = SL_MISSING_VALUE("it did not return")}};
    struct sl_thread *other = (struct sl_thread *) sl_snapshot_find(scene.snapshot, OTHER);

    other->wait = (struct sl_wait){.kind = SL_WAIT_RWLOCK, .owner = CLOSER};
    sl_hang_describe(scene.snapshot, NULL, "hang", scene.arena, &result);
    cr_assert_str_eq(result.close.waits_for,
                     "stands in bus_close, waiting in condition; 1 thread waits for it");
}

SL_TEST(hang, a_circle_of_waits_is_followed_once_and_called_a_deadlock_unless_a_time_out_ends_it)
{
    check_chain((struct sl_wait){.kind = SL_WAIT_JOIN, .owner = CLOSER},
                "stands in bus_close, waiting for thread 72 'u-w3', which holds mutex 0x1000 and "
                "stands in handle, waiting for thread 71 again: a deadlock of 2 threads");
    check_chain((struct sl_wait){.kind = SL_WAIT_MUTEX, .owner = CLOSER, .timed = true},
                "stands in bus_close, waiting for thread 72 'u-w3', which holds mutex 0x1000 and "
                "stands in handle, waiting for thread 71 again: a circle that a time-out ends, of "
                "2 threads");
    check_chain((struct sl_wait){.kind = SL_WAIT_MUTEX, .owner = OTHER},
                "stands in bus_close, waiting for thread 72 'u-w3', which holds mutex 0x1000 and "
                "stands in handle, waiting for what it holds itself: a deadlock of one thread");
}

SL_TEST(hang, a_close_that_rests_between_two_looks_is_parked)
{
    SL_CLEANUP(scene_release)
    struct scene scene =
        scene_new((struct sl_wait){.kind = SL_WAIT_CONDITION, .syscall_nr = 202}, 'S', NULL);
    struct sl_trial_result result = {.hang_seen = NULL};
    const struct sl_snapshot earlier = *scene.snapshot;

    scene.snapshot->taken_ns = earlier.taken_ns + 100 * SL_NS_PER_MS;
    sl_hang_describe(scene.snapshot, &earlier, "hang", scene.arena, &result);
    const struct sl_finding *closer = &result.hang_findings[0];
    closer += strcmp(closer->group.function, "bus_close") != 0;
    cr_assert_eq(closer->cause, SL_CAUSE_PARKED);
    cr_assert(strstr(closer->evidence, "; it did not run in the 100ms between the first look"),
              "%s", closer->evidence);
    sl_hang_describe(scene.snapshot, NULL, "hang", scene.arena, &result);
    cr_assert_eq(result.hang_findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(hang, a_close_that_runs_waits_for_nothing)
{
    check((struct sl_wait){.syscall_nr = -1}, 'R', NULL, "stands in bus_close, running");
}

SL_TEST(hang, a_main_thread_that_has_ended_stands_nowhere)
{
    check((struct sl_wait){.syscall_nr = -1}, 'Z', NULL,
          "was called by the main thread, which has ended");
}

SL_TEST(hang, of_a_crash_the_thread_that_crashed_is_told_first_and_alone)
{
    SL_CLEANUP(scene_release)
    struct scene scene = scene_new((struct sl_wait){.syscall_nr = -1}, 'R', NULL);
    struct sl_trial_result result = {.hang_seen = NULL};
    const struct sl_crash crash = {.tid = OTHER};

    (void) sl_build_thread(scene.builder, OTHER + 1, 1,
                           sl_snapshot_find(scene.snapshot, OTHER)->stack);
    sl_hang_crashed(scene.snapshot, &crash, scene.arena, &result);
    cr_assert_str_eq(result.hang_seen, "crash");
    cr_assert_eq(result.n_hang_findings, 3);
    cr_assert_eq(result.hang_findings[0].group.count, 1);
    cr_assert_str_eq(result.hang_findings[0].group.function, "handle");
    size_t n_threads = 0;
    for (size_t i = 0; i < result.n_hang_findings; i++)
        n_threads += result.hang_findings[i].group.count;
    cr_assert_eq(n_threads, 3);
}

SL_TEST(hang, a_name_that_fills_the_line_is_shortened)
{
    SL_CLEANUP(scene_release)
    struct scene scene = scene_new((struct sl_wait){.syscall_nr = -1}, 'R', NULL);
    struct sl_trial_result result = {
        .close = {.timed_out = true, .duration_ns = SL_MISSING_VALUE("it did not return")}};
    const char *stack = sl_arena_printf(scene.arena, "bus.so:Pool<%0700d>|app:main", 0);
    struct sl_thread *closer = (struct sl_thread *) sl_snapshot_find(scene.snapshot, CLOSER);
    closer->stack = sl_build_stack(scene.builder, stack);
    sl_hang_describe(scene.snapshot, NULL, "hang", scene.arena, &result);
    cr_assert_str_eq(result.close.waits_for, "stands in Pool<...>, running");
}
