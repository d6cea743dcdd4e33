/* SPDX-License-Identifier: Apache-2.0 */
/* Causes of threads that run, and of threads that wait for others. */
#include "sl_test.h"

#include "base/clock.h"
#include "leak_scene.h"

/* n threads in both looks, of which each ran so much between them. */
static void run_threads(struct scene *scene, size_t n, struct sl_wait wait, char state,
                        uint64_t switches, uint64_t cpu_ns)
{
    for (int look = 0; look < 2; look++) {
        (look ? scene_begin_settled : scene_begin_closed)(scene);
        for (size_t i = 0; i < n; i++) {
            struct sl_thread *thread =
                sl_build_thread(scene->builder, 101 + (pid_t) i, 2, scene->worker);
            thread->wait = wait;
            thread->state = state;
            thread->switches += look ? switches : 0;
            thread->cpu_ns += look ? cpu_ns : 0;
        }
    }
}

static const struct sl_wait no_wait = {.kind = SL_WAIT_NONE, .syscall_nr = -1};
static const struct sl_wait timed_wait = {.kind = SL_WAIT_CONDITION, .timed = true};

SL_TEST(leak_rules, a_thread_that_uses_a_cpu_spins)
{
    SCENE(scene);
    run_threads(&scene, 1, no_wait, 'R', 40, 1900 * SL_NS_PER_MS);
    scene_assert_cause(&scene, 1, SL_CAUSE_SPINNING,
                       "1 thread is runnable; 40 context switches and 1.9s of CPU time in the "
                       "2s between the end mark and the last look");
}

SL_TEST(leak_rules, a_thread_spins_by_its_cpu_time_where_switches_are_not_comparable)
{
    SCENE(scene);
    run_threads(&scene, 1, no_wait, 'R', 40, 1900 * SL_NS_PER_MS);
    struct sl_snapshot settled = *scene.input.settled;
    settled.counts_arrivals = !scene.input.closed->counts_arrivals;
    scene.input.settled = &settled;
    scene_assert_cause(&scene, 1, SL_CAUSE_SPINNING,
                       "1 thread is runnable; at least 1.88s of CPU time in the 2s between the end "
                       "mark and the last look");
}

SL_TEST(leak_rules, threads_that_share_a_cpu_spin_however_little_each_gets)
{
    SCENE(scene);
    run_threads(&scene, 100, no_wait, 'R', 4, 40 * SL_NS_PER_MS);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_SPINNING);
}

SL_TEST(leak_rules, one_that_was_stopped_to_be_looked_at_spins_by_what_it_used_at_least)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
    thread->wait = no_wait;
    thread->state = 'R';
    thread->cost.stopped = true;
    scene_begin_settled(&scene);
    thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
    thread->wait = no_wait;
    thread->state = 'R';
    thread->cpu_ns += 1520 * SL_NS_PER_MS;
    scene_assert_cause(&scene, 1, SL_CAUSE_SPINNING,
                       "1 thread is runnable; at least 1.5s of CPU time in the 2s between the end "
                       "mark and the last look");
}

SL_TEST(leak_rules, who_is_parked_where_a_rule_knows_a_queue_to_be_full_is_queue_blocked)
{
    const struct sl_leak_rule queue = {.kind = SL_LEAK_RULE_QUEUE,
                                       .pattern = {.any_function = "queue_*"},
                                       .reason = "the queue of a worker"};
    SCENE(scene);
    scene_park_workers(&scene, 2);
    scene.input.rules = (struct sl_leak_rules){&queue, 1};
    scene_assert_cause(&scene, 2, SL_CAUSE_QUEUE_BLOCKED,
                       "2 threads wait on a condition without a time-out; they wait for room in "
                       "the queue of a worker; none of them ran in the 2s between the end mark and "
                       "the last look");
}

SL_TEST(leak_rules, who_ran_there_meanwhile_got_room)
{
    const struct sl_leak_rule queue = {.kind = SL_LEAK_RULE_QUEUE,
                                       .pattern = {.any_function = "queue_*"},
                                       .reason = "the queue of a worker"};
    SCENE(scene);
    run_threads(&scene, 1, (struct sl_wait){.kind = SL_WAIT_CONDITION}, 'S', 2, 0);
    scene.input.rules = (struct sl_leak_rules){&queue, 1};
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_rules, one_that_polls_without_a_rest_spins_although_it_was_seen_to_sleep)
{
    SCENE(scene);
    run_threads(&scene, 1, timed_wait, 'S', 20000, 600 * SL_NS_PER_MS);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_SPINNING);
}

SL_TEST(leak_rules, a_thread_that_wakes_by_itself_again_and_again_retries)
{
    SCENE(scene);
    run_threads(&scene, 1, timed_wait, 'S', 2, 100 * SL_NS_PER_US);
    scene_assert_cause(&scene, 1, SL_CAUSE_RETRYING,
                       "1 thread waits on a condition with a time-out; 2 context switches and "
                       "100us of CPU time in the 2s between the end mark and the last look");
}

SL_TEST(leak_rules, a_thread_that_others_woke_does_not_retry)
{
    SCENE(scene);
    run_threads(&scene, 1, (struct sl_wait){.kind = SL_WAIT_CONDITION}, 'S', 2, 0);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_rules, one_that_would_wake_by_itself_and_did_not_yet_does_not_retry)
{
    SCENE(scene);
    run_threads(&scene, 2, timed_wait, 'S', 0, 0);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_rules, a_wait_for_a_lock_that_went_on_meanwhile_proves_nothing)
{
    SCENE(scene);
    run_threads(&scene, 1, (struct sl_wait){.kind = SL_WAIT_MUTEX, .owner = 7}, 'S', 1, 0);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_rules, who_holds_the_lock_is_named_with_where_it_stands)
{
    SCENE(scene);
    const struct sl_stack *locker =
        sl_build_stack(scene.builder, "libc.so.6:pthread_mutex_lock|app:publish|app:main_loop");
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 4, 2, scene.worker);
    for (int i = 0; i < 3; i++)
        sl_build_thread(scene.builder, 105 + i, 2, locker)->wait = (struct sl_wait){
            .kind = SL_WAIT_MUTEX, .object = i < 2 ? 0x7000 : 0x8000, .owner = i < 2 ? 101 : 77};
    scene_analyse(&scene);
    scene_assert_group(
        &scene, 1, 3, SL_CAUSE_LOCK_BLOCKED,
        "3 threads wait for a mutex without a time-out; thread 101 'pool-101', which "
        "stands in queue_take, holds what 2 of 3 wait for; thread 77 holds what 1 "
        "of 3 wait for");
}

/* Two threads that hold the lock that the other one waits for, and one that waits for them. */
static void tie_a_knot(struct scene *scene)
{
    const struct sl_stack *locker =
        sl_build_stack(scene->builder, "libc.so.6:pthread_mutex_lock|app:move|app:mover_main");
    static const pid_t owners[] = {102, 101, 101};

    for (int i = 0; i < 3; i++)
        sl_build_thread(scene->builder, 101 + i, 2, locker)->wait = (struct sl_wait){
            .kind = SL_WAIT_MUTEX, .object = i ? 0x7000 : 0x8000, .owner = owners[i]};
}

SL_TEST(leak_rules, a_circle_of_waits_that_rested_is_a_deadlock_and_told_whole)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    tie_a_knot(&scene);
    scene_begin_settled(&scene);
    tie_a_knot(&scene);
    scene_assert_cause(&scene, 3, SL_CAUSE_DEADLOCK,
                       "3 threads wait for a mutex without a time-out; 2 of 3 in a circle of 2 "
                       "that nothing ends, the others behind it: thread 101 'pool-101', which "
                       "stands in move, waits for a lock that thread 102 holds, thread 102 "
                       "'pool-102', which stands in move, waits for a lock that thread 101 holds");
}

SL_TEST(leak_rules, a_circle_that_was_seen_once_may_never_have_been_one)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    tie_a_knot(&scene);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_LOCK_BLOCKED);
}

SL_TEST(leak_rules, a_thread_that_waits_for_a_lock_of_its_own_is_deadlocked)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    sl_build_thread(scene.builder, 101, 2, scene.worker)->wait =
        (struct sl_wait){.kind = SL_WAIT_MUTEX, .object = 0x7000, .owner = 101};
    scene_assert_cause(&scene, 1, SL_CAUSE_DEADLOCK,
                       "1 thread waits for a mutex without a time-out; in a circle of 1 that "
                       "nothing ends: thread 101 'pool-101', which stands in queue_take, waits "
                       "for a lock that it holds itself");
}

SL_TEST(leak_rules, who_is_joined_is_named)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    sl_build_thread(scene.builder, 101, 2, scene.worker)->wait =
        (struct sl_wait){.kind = SL_WAIT_JOIN, .owner = 77};
    scene_assert_cause(&scene, 1, SL_CAUSE_JOINING,
                       "1 thread waits for a thread to end without a time-out; that is thread 77");
}
