/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/leak/facts.h"
#include "leak_scene.h"

SL_TEST(leak_cause, threads_that_wait_untimed_and_did_not_run_are_parked)
{
    SCENE(scene);
    scene_park_workers(&scene, 5120);
    scene_assert_cause(
        &scene, 5120, SL_CAUSE_PARKED,
        "5120 threads wait on a condition without a time-out; none of them ran in the 2s "
        "between the end mark and the last look");
    cr_assert_eq(scene.report.count, 5120);
}

SL_TEST(leak_cause, one_parked_thread_is_told_in_the_singular)
{
    SCENE(scene);
    scene_park_workers(&scene, 1);
    scene_assert_cause(&scene, 1, SL_CAUSE_PARKED,
                       "1 thread waits on a condition without a time-out; it did not run in the 2s "
                       "between the end mark and the last look");
}

SL_TEST(leak_cause, sentences_are_told_in_the_words_of_the_caller)
{
    static const struct sl_leak_words words = {
        .size = sizeof words, .end = "Close", .not_reached = "Close was not called"};
    SCENE(scene);
    scene.input.words = &words;
    scene_park_workers(&scene, 1);
    scene_assert_cause(&scene, 1, SL_CAUSE_PARKED,
                       "1 thread waits on a condition without a time-out; it did not run in the 2s "
                       "between Close and the last look");
    scene.input.close_reached = false;
    scene_assert_cause(&scene, 1, SL_CAUSE_NOT_CLOSED, "Close was not called");
}

SL_TEST(leak_cause, threads_of_the_process_are_told_apart_in_the_words_of_the_caller)
{
    static const struct sl_leak_words words = {
        .size = sizeof words, .not_ours = "of the process, not of the bus", .strict = "--strict"};
    SCENE(scene);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2,
                           sl_build_stack(scene.builder, "libtbb.so.12:receive_or_steal_task"));
    scene_assert_cause(&scene, 1, SL_CAUSE_RESIDENT,
                       "1 thread of the process: workers of oneTBB, which all of the process "
                       "shares");
    scene.input.words = &words;
    scene_assert_cause(&scene, 1, SL_CAUSE_RESIDENT,
                       "1 thread of the process, not of the bus: workers of oneTBB, which all of "
                       "the process shares (--strict counts it)");
}

SL_TEST(leak_cause, evidence_is_told_from_facts_that_programs_can_read)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
    thread->wait = (struct sl_wait){.kind = SL_WAIT_MUTEX, .object = 0x7000, .owner = 7};
    scene_analyse(&scene);

    static const enum sl_fact_kind kinds[] = {SL_FACT_WAIT, SL_FACT_HOLDER, SL_FACT_IDLE,
                                              SL_FACT_SPAN};
    const struct sl_finding *finding = &scene.report.findings[0];
    cr_assert_eq(finding->n_facts, SL_COUNT_OF(kinds));
    for (size_t i = 0; i < finding->n_facts; i++) {
        cr_assert_eq(finding->facts[i].kind, kinds[i]);
        cr_assert_eq(finding->facts[i].count, 1);
    }
    cr_assert_eq(finding->facts[0].thread, 101);
    cr_assert_eq(finding->facts[0].value, SL_WAIT_MUTEX);
    cr_assert_eq(finding->facts[0].object, 0x7000);
    cr_assert_eq(finding->facts[0].other, 7);
    cr_assert_eq(finding->facts[1].object, 0x7000);
    cr_assert_eq(finding->facts[1].other, 7);
    cr_assert_eq(finding->facts[3].value, 2 * SL_NS_PER_S);
}

SL_TEST(leak_cause, each_kind_of_wait_that_lasts_has_its_cause)
{
    static const struct {
        enum sl_wait_kind kind;
        enum sl_cause cause;
    } cases[] = {
        {SL_WAIT_CONDITION, SL_CAUSE_PARKED},
        {SL_WAIT_SEMAPHORE, SL_CAUSE_PARKED},
        {SL_WAIT_MUTEX, SL_CAUSE_LOCK_BLOCKED},
        {SL_WAIT_RWLOCK, SL_CAUSE_LOCK_BLOCKED},
        {SL_WAIT_BARRIER, SL_CAUSE_PARKED},
        {SL_WAIT_FUTEX, SL_CAUSE_PARKED},
        {SL_WAIT_NONE, SL_CAUSE_UNKNOWN},
        {SL_WAIT_JOIN, SL_CAUSE_JOINING},
        {SL_WAIT_SLEEP, SL_CAUSE_UNKNOWN},
        {SL_WAIT_SOCKET, SL_CAUSE_IO},
        {SL_WAIT_IO, SL_CAUSE_IO},
        {SL_WAIT_POLL, SL_CAUSE_IO},
        {SL_WAIT_SIGNAL, SL_CAUSE_UNKNOWN},
        {SL_WAIT_CHILD, SL_CAUSE_UNKNOWN},
        {SL_WAIT_FAULT, SL_CAUSE_UNKNOWN},
        {SL_WAIT_OTHER, SL_CAUSE_UNKNOWN},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SCENE(scene);
        scene_begin_closed(&scene);
        sl_build_thread(scene.builder, 101, 2, scene.worker)->wait.kind = cases[i].kind;
        scene_begin_settled(&scene);
        sl_build_thread(scene.builder, 101, 2, scene.worker)->wait.kind = cases[i].kind;
        scene_analyse(&scene);
        cr_assert_eq(scene.report.findings[0].cause, cases[i].cause, "%s",
                     sl_wait_kind_text(cases[i].kind));
    }
}

SL_TEST(leak_cause, a_thread_that_was_not_allowed_to_run_proves_nothing)
{
    static const char *const held[] = {"stopped", "traced by process 812 'gdb'", "frozen"};

    for (size_t i = 0; i < SL_COUNT_OF(held); i++) {
        SCENE(scene);
        scene_begin_closed(&scene);
        (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
        scene_begin_settled(&scene);
        sl_build_thread(scene.builder, 101, 2, scene.worker)->wait.held = held[i];
        scene_analyse(&scene);
        const struct sl_finding *finding = &scene.report.findings[0];
        cr_assert_eq(finding->cause, SL_CAUSE_UNKNOWN, "%s", held[i]);
        cr_assert(strstr(finding->evidence, held[i]), "%s", finding->evidence);
    }
}

SL_TEST(leak_cause, one_that_was_stopped_at_the_first_look_proves_nothing_either)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_thread(scene.builder, 101, 2, scene.worker)->wait.held = "stopped";
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_cause, a_stopped_thread_in_no_call_is_told_to_be_stopped)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
    thread->wait = (struct sl_wait){.syscall_nr = -1, .held = "stopped"};
    scene_assert_cause(&scene, 1, SL_CAUSE_UNKNOWN, "1 thread is stopped");
}

/* Both threads were stopped to be looked at, which cost what `cost` says. */
static void stop_and_look(struct scene *scene, struct sl_stop_cost cost)
{
    scene_begin_closed(scene);
    for (pid_t tid = 101; tid <= 102; tid++)
        sl_build_thread(scene->builder, tid, 2, scene->worker)->cost = cost;
    scene_begin_settled(scene);
    for (pid_t tid = 101; tid <= 102; tid++) {
        struct sl_thread *thread = sl_build_thread(scene->builder, tid, 2, scene->worker);
        thread->switches += 2;
        thread->cpu_ns += 70 * SL_NS_PER_US;
    }
}

SL_TEST(leak_cause, what_the_look_itself_made_a_thread_do_is_not_held_against_it)
{
    SCENE(scene);
    stop_and_look(&scene, (struct sl_stop_cost){
                              .stopped = true, .known = true, .switches = 2, .cpu_ns = 70000});
    scene_assert_cause(&scene, 2, SL_CAUSE_PARKED,
                       "2 threads wait on a condition without a time-out; none of them ran, being "
                       "looked at aside, in the 2s between the end mark and the last look");
}

SL_TEST(leak_cause, what_it_did_besides_is_told)
{
    SCENE(scene);
    stop_and_look(&scene, (struct sl_stop_cost){
                              .stopped = true, .known = true, .switches = 1, .cpu_ns = 70000});
    scene_assert_cause(&scene, 2, SL_CAUSE_UNKNOWN,
                       "2 threads wait on a condition without a time-out; 2 context switches, "
                       "being looked at aside, in the 2s between the end mark and the last look");
}

SL_TEST(leak_cause, where_that_is_not_known_nothing_is_claimed)
{
    SCENE(scene);
    stop_and_look(&scene, (struct sl_stop_cost){.stopped = true});
    scene_assert_cause(&scene, 2, SL_CAUSE_UNKNOWN,
                       "2 threads wait on a condition without a time-out; how much they ran is not "
                       "known, for they were stopped to be looked at");
}

SL_TEST(leak_cause, looks_that_counted_different_things_are_not_compared)
{
    SCENE(scene);
    scene_park_workers(&scene, 2);
    struct sl_snapshot settled = *scene.input.settled;
    settled.counts_arrivals = !scene.input.closed->counts_arrivals;
    scene.input.settled = &settled;
    scene_assert_cause(&scene, 2, SL_CAUSE_UNKNOWN,
                       "2 threads wait on a condition without a time-out; how much they ran is not "
                       "known, for the two looks counted different things");
}

SL_TEST(leak_cause, a_call_that_the_kernel_restarted_is_told_to_be_one)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    sl_build_thread(scene.builder, 101, 2, scene.worker)->wait =
        (struct sl_wait){.kind = SL_WAIT_OTHER, .syscall_nr = 219, .syscall = "restart_syscall"};
    scene_assert_cause(&scene, 1, SL_CAUSE_UNKNOWN,
                       "1 thread waits in a call that the kernel restarted");
}

SL_TEST(leak_cause, one_thread_that_ran_keeps_its_group_from_being_parked)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.worker);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    sl_build_thread(scene.builder, 103, 2, scene.worker)->switches += 1;
    scene_assert_cause(
        &scene, 3, SL_CAUSE_UNKNOWN,
        "3 threads wait on a condition without a time-out; 1 context switch in the 2s "
        "between the end mark and the last look");
}

SL_TEST(leak_cause, one_thread_that_waits_with_a_time_out_keeps_its_group_from_being_parked)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.worker);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    sl_build_thread(scene.builder, 103, 2, scene.worker)->wait.timed = true;
    scene_assert_cause(
        &scene, 3, SL_CAUSE_UNKNOWN,
        "2 threads wait on a condition without a time-out, 1 waits on a condition with a "
        "time-out; 0 context switches in the 2s between the end mark and the last look");
}

SL_TEST(leak_cause, a_thread_born_after_close_is_not_parked)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 102, 500, scene.worker);
    scene_assert_cause(
        &scene, 2, SL_CAUSE_UNKNOWN,
        "2 threads wait on a condition without a time-out; 0 context switches in the 2s "
        "between the end mark and the last look; 1 of 2 started after the end mark");
}

SL_TEST(leak_cause, a_reused_tid_is_not_compared_with_its_former_owner)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 500, scene.worker);
    scene_assert_cause(
        &scene, 1, SL_CAUSE_UNKNOWN,
        "1 thread waits on a condition without a time-out; it started after the end mark");
}

SL_TEST(leak_cause, without_two_looks_nothing_is_claimed_about_running)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    scene_assert_cause(&scene, 2, SL_CAUSE_UNKNOWN,
                       "2 threads wait on a condition without a time-out");

    scene.input.closed = scene.input.settled;
    scene_assert_cause(&scene, 2, SL_CAUSE_UNKNOWN,
                       "2 threads wait on a condition without a time-out");
}

/* unknown */

SL_TEST(leak_cause, a_thread_that_sleeps_and_wakes_is_told_with_its_call)
{
    SCENE(scene);
    struct sl_wait wait = {.kind = SL_WAIT_SLEEP, .syscall = "clock_nanosleep", .timed = true};
    scene_begin_closed(&scene);
    sl_build_thread(scene.builder, 101, 2, scene.worker)->wait = wait;
    scene_begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
    thread->wait = wait;
    thread->switches += 3;
    thread->cpu_ns += 10 * SL_NS_PER_MS;
    scene_assert_cause(
        &scene, 1, SL_CAUSE_RETRYING,
        "1 thread sleeps in clock_nanosleep; 3 context switches and 10ms of CPU time in "
        "the 2s between the end mark and the last look");
}

SL_TEST(leak_cause, a_running_thread_is_told_to_be_on_cpu)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, NULL);
    thread->wait = (struct sl_wait){.kind = SL_WAIT_NONE, .syscall_nr = -1};
    thread->state = 'R';
    scene_assert_cause(&scene, 1, SL_CAUSE_UNKNOWN,
                       "1 thread is runnable; no stack: thread was on a CPU");
}

SL_TEST(leak_cause, of_a_thread_that_could_not_be_read_nothing_is_claimed)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, NULL);
    thread->wait = (struct sl_wait){.kind = SL_WAIT_NONE, .syscall_nr = -1};
    thread->reason = "its registers may not be read";
    scene_assert_cause(&scene, 1, SL_CAUSE_UNKNOWN,
                       "1 thread could not be looked at; no stack: its registers may not be read");
}

SL_TEST(leak_cause, descriptors_are_named_only_where_all_told_threads_share_them)
{
    SCENE(scene);
    scene.input.witnesses = NULL;
    scene.input.library_modules = NULL;
    scene_begin_settled(&scene);
    (void) scene_add_reader(&scene, 101);
    (void) scene_add_reader(&scene, 102);
    scene_add_reader(&scene, 103)->wait.target = "TCP 127.0.0.1:4223";
    scene_assert_cause(
        &scene, 3, SL_CAUSE_IO,
        "2 threads wait in recvfrom on TCP 127.0.0.1:4222, 1 waits in recvfrom on TCP "
        "127.0.0.1:4223");
}

SL_TEST(leak_cause, more_kinds_of_waits_than_a_sentence_holds_are_summed_up)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    for (int i = 0; i < 5; i++) {
        sl_build_thread(scene.builder, 101 + i, 2, scene.worker)->wait.kind =
            (enum sl_wait_kind)(SL_WAIT_CONDITION + i);
    }
    scene_assert_cause(
        &scene, 5, SL_CAUSE_UNKNOWN,
        "1 thread waits on a condition without a time-out, 1 waits on a semaphore without "
        "a time-out, 1 waits for a mutex without a time-out, 2 are elsewhere");
}

SL_TEST(leak_cause, a_fact_that_finds_no_room_is_dropped)
{
    struct {
        struct leak_facts facts;
        uint64_t behind;
    } room = {.behind = 77};

    for (uint32_t i = 0; i <= FACTS_MAX; i++)
        facts_add(&room.facts, (struct sl_fact){SL_FACT_BORN, .count = i});
    cr_assert_eq(room.facts.n, FACTS_MAX);
    cr_assert_eq(room.facts.list[FACTS_MAX - 1].count, FACTS_MAX - 1);
    cr_assert_eq(room.behind, 77);
}
