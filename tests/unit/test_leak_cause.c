/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/leak/leak.h"
#include "snapshot_builder.h"

#define START "|libc.so.6:start_thread|libc.so.6:clone3"
#define WAIT  "libc.so.6:futex_wait|libc.so.6:pthread_cond_wait|"

#define WORKER WAIT "app:queue_take|app:pool_worker" START
#define TIMER  WAIT "libnats.so.3.4.1:|libnats.so.3.4.1:" START
#define READER "libc.so.6:recv|libnats.so.3.4.1:|libnats.so.3.4.1:" START

static const char *const nats_modules[] = {"libnats.so", NULL};
static const struct sl_leak_witness read_loop[] = {
    {.module = "libnats.so", .socket = true, .text = "read loop of the NATS client"},
    {.text = NULL},
};

/*
 * Looks at one process: `closed` at 4 s, `settled` at 6 s.  The tests add threads
 * with tids from 101 on.
 */
struct scene {
    struct sl_snapshot_builder *builder;
    struct sl_arena *arena;
    const struct sl_stack *worker, *timer, *reader;
    struct sl_leak_input input;
    struct sl_leak_report report;
};

static void scene_release(struct scene *scene)
{
    sl_snapshot_builder_free(scene->builder);
    sl_arena_free(scene->arena);
}

static struct scene scene_new(void)
{
    struct scene scene = {.builder = sl_snapshot_builder_new(), .arena = sl_arena_new()};
    cr_assert(scene.arena);
    scene.worker = sl_build_stack(scene.builder, WORKER);
    scene.timer = sl_build_stack(scene.builder, TIMER);
    scene.reader = sl_build_stack(scene.builder, READER);
    scene.input.start = sl_build_snapshot(scene.builder, SL_NS_PER_S);
    scene.input.library_modules = nats_modules;
    scene.input.witnesses = read_loop;
    scene.input.close_reached = true;
    return scene;
}

#define SCENE(name) SL_CLEANUP(scene_release) struct scene name = scene_new()

static void begin_closed(struct scene *scene)
{
    scene->input.closed = sl_build_snapshot(scene->builder, 4 * SL_NS_PER_S);
}

static void begin_settled(struct scene *scene)
{
    scene->input.settled = sl_build_snapshot(scene->builder, 6 * SL_NS_PER_S);
}

static void begin_torn_down(struct scene *scene)
{
    scene->input.torn_down = sl_build_snapshot(scene->builder, 7 * SL_NS_PER_S);
}

static struct sl_thread *add_reader(struct scene *scene, pid_t tid)
{
    struct sl_thread *thread = sl_build_thread(scene->builder, tid, 2, scene->reader);
    thread->wait = (struct sl_wait){
        .kind = SL_WAIT_SOCKET, .syscall = "recvfrom", .target = "TCP 127.0.0.1:4222"};
    return thread;
}

/* n threads that wait untimed on a condition in both looks, and did not run in between. */
static void park_workers(struct scene *scene, size_t n)
{
    begin_closed(scene);
    sl_build_threads(scene->builder, 101, n, 2, scene->worker);
    begin_settled(scene);
    sl_build_threads(scene->builder, 101, n, 2, scene->worker);
}

static void analyse(struct scene *scene)
{
    struct sl_error err = {0};
    sl_assert_ok(sl_leak_analyse(&scene->input, scene->arena, &scene->report, &err), &err);
}

static void assert_group(const struct scene *scene, size_t at, uint32_t count, enum sl_cause cause,
                         const char *evidence)
{
    cr_assert_lt(at, scene->report.n_groups);
    const struct sl_leak_group *group = &scene->report.groups[at];
    cr_assert_eq(group->count, count, "group %zu has %u threads", at, (unsigned) group->count);
    cr_assert_eq(group->cause, cause, "group %zu: %s", at, sl_cause_text(group->cause));
    cr_assert_str_eq(group->evidence, evidence);
}

/* The only group, after an analysis. */
static void
assert_cause(struct scene *scene, uint32_t count, enum sl_cause cause, const char *evidence)
{
    analyse(scene);
    cr_assert_eq(scene->report.n_groups, 1, "%zu groups", scene->report.n_groups);
    assert_group(scene, 0, count, cause, evidence);
}

/* parked */

SL_TEST(leak_cause, threads_that_wait_untimed_and_did_not_run_are_parked)
{
    SCENE(scene);
    park_workers(&scene, 5120);
    assert_cause(&scene, 5120, SL_CAUSE_PARKED,
                 "5120 threads wait on a condition without a time-out; none of them ran in the 2s "
                 "between Close and the last look");
    cr_assert_eq(scene.report.count, 5120);
}

SL_TEST(leak_cause, one_parked_thread_is_told_in_the_singular)
{
    SCENE(scene);
    park_workers(&scene, 1);
    assert_cause(&scene, 1, SL_CAUSE_PARKED,
                 "1 thread waits on a condition without a time-out; it did not run in the 2s "
                 "between Close and the last look");
}

SL_TEST(leak_cause, waits_for_another_thread_to_act_are_parked_and_others_are_not)
{
    static const struct {
        enum sl_wait_kind kind;
        enum sl_cause cause;
    } cases[] = {
        {SL_WAIT_CONDITION, SL_CAUSE_PARKED}, {SL_WAIT_SEMAPHORE, SL_CAUSE_PARKED},
        {SL_WAIT_MUTEX, SL_CAUSE_PARKED},     {SL_WAIT_RWLOCK, SL_CAUSE_PARKED},
        {SL_WAIT_BARRIER, SL_CAUSE_PARKED},   {SL_WAIT_FUTEX, SL_CAUSE_PARKED},
        {SL_WAIT_NONE, SL_CAUSE_UNKNOWN},     {SL_WAIT_JOIN, SL_CAUSE_UNKNOWN},
        {SL_WAIT_SLEEP, SL_CAUSE_UNKNOWN},    {SL_WAIT_SOCKET, SL_CAUSE_UNKNOWN},
        {SL_WAIT_IO, SL_CAUSE_UNKNOWN},       {SL_WAIT_POLL, SL_CAUSE_UNKNOWN},
        {SL_WAIT_SIGNAL, SL_CAUSE_UNKNOWN},   {SL_WAIT_CHILD, SL_CAUSE_UNKNOWN},
        {SL_WAIT_FAULT, SL_CAUSE_UNKNOWN},    {SL_WAIT_OTHER, SL_CAUSE_UNKNOWN},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SCENE(scene);
        begin_closed(&scene);
        sl_build_thread(scene.builder, 101, 2, scene.worker)->wait.kind = cases[i].kind;
        begin_settled(&scene);
        sl_build_thread(scene.builder, 101, 2, scene.worker)->wait.kind = cases[i].kind;
        analyse(&scene);
        cr_assert_eq(scene.report.groups[0].cause, cases[i].cause, "%s",
                     sl_wait_kind_text(cases[i].kind));
    }
}

SL_TEST(leak_cause, one_thread_that_ran_keeps_its_group_from_being_parked)
{
    SCENE(scene);
    begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.worker);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    sl_build_thread(scene.builder, 103, 2, scene.worker)->switches += 1;
    assert_cause(&scene, 3, SL_CAUSE_UNKNOWN,
                 "3 threads wait on a condition without a time-out; 1 context switch in the 2s "
                 "between Close and the last look");
}

SL_TEST(leak_cause, one_thread_that_waits_with_a_time_out_keeps_its_group_from_being_parked)
{
    SCENE(scene);
    begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.worker);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    sl_build_thread(scene.builder, 103, 2, scene.worker)->wait.timed = true;
    assert_cause(&scene, 3, SL_CAUSE_UNKNOWN,
                 "2 threads wait on a condition without a time-out, 1 waits on a condition with a "
                 "time-out; 0 context switches in the 2s between Close and the last look");
}

SL_TEST(leak_cause, a_thread_born_after_close_is_not_parked)
{
    SCENE(scene);
    begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 102, 500, scene.worker);
    assert_cause(&scene, 2, SL_CAUSE_UNKNOWN,
                 "2 threads wait on a condition without a time-out; 0 context switches in the 2s "
                 "between Close and the last look; 1 of 2 started after Close");
}

SL_TEST(leak_cause, a_reused_tid_is_not_compared_with_its_former_owner)
{
    SCENE(scene);
    begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 500, scene.worker);
    assert_cause(&scene, 1, SL_CAUSE_UNKNOWN,
                 "1 thread waits on a condition without a time-out; it started after Close");
}

SL_TEST(leak_cause, without_two_looks_nothing_is_claimed_about_running)
{
    SCENE(scene);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    assert_cause(&scene, 2, SL_CAUSE_UNKNOWN, "2 threads wait on a condition without a time-out");

    scene.input.closed = scene.input.settled;
    assert_cause(&scene, 2, SL_CAUSE_UNKNOWN, "2 threads wait on a condition without a time-out");
}

/* unknown */

SL_TEST(leak_cause, a_thread_that_sleeps_and_wakes_is_told_with_its_call)
{
    SCENE(scene);
    struct sl_wait wait = {.kind = SL_WAIT_SLEEP, .syscall = "clock_nanosleep", .timed = true};
    begin_closed(&scene);
    sl_build_thread(scene.builder, 101, 2, scene.worker)->wait = wait;
    begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
    thread->wait = wait;
    thread->switches += 3;
    thread->cpu_ns += 10 * SL_NS_PER_MS;
    assert_cause(&scene, 1, SL_CAUSE_UNKNOWN,
                 "1 thread sleeps in clock_nanosleep; 3 context switches and 10ms of CPU time in "
                 "the 2s between Close and the last look");
}

SL_TEST(leak_cause, a_running_thread_is_told_to_be_on_cpu)
{
    SCENE(scene);
    begin_settled(&scene);
    struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, NULL);
    thread->wait = (struct sl_wait){.kind = SL_WAIT_NONE, .syscall_nr = -1};
    thread->state = 'R';
    assert_cause(&scene, 1, SL_CAUSE_UNKNOWN, "1 thread is on CPU; no stack: thread was on a CPU");
}

SL_TEST(leak_cause, descriptors_are_named_only_where_all_told_threads_share_them)
{
    SCENE(scene);
    scene.input.witnesses = NULL;
    scene.input.library_modules = NULL;
    begin_settled(&scene);
    (void) add_reader(&scene, 101);
    (void) add_reader(&scene, 102);
    add_reader(&scene, 103)->wait.target = "TCP 127.0.0.1:4223";
    assert_cause(&scene, 3, SL_CAUSE_UNKNOWN,
                 "2 threads wait in recvfrom on TCP 127.0.0.1:4222, 1 waits in recvfrom on TCP "
                 "127.0.0.1:4223");
}

SL_TEST(leak_cause, more_kinds_of_waits_than_a_sentence_holds_are_summed_up)
{
    SCENE(scene);
    begin_settled(&scene);
    for (int i = 0; i < 5; i++) {
        sl_build_thread(scene.builder, 101 + i, 2, scene.worker)->wait.kind =
            (enum sl_wait_kind)(SL_WAIT_CONDITION + i);
    }
    assert_cause(&scene, 5, SL_CAUSE_UNKNOWN,
                 "1 thread waits on a condition without a time-out, 1 waits on a semaphore without "
                 "a time-out, 1 waits for a mutex without a time-out, 2 are elsewhere");
}

/* resident */

SL_TEST(leak_cause, library_threads_that_end_with_teardown_are_resident_and_not_counted)
{
    SCENE(scene);
    begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    begin_torn_down(&scene);
    assert_cause(&scene, 3, SL_CAUSE_RESIDENT,
                 "3 threads of libnats.so.3.4.1 that ended when the library was shut down");
    cr_assert_not(scene.report.groups[0].counted);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 3);
}

SL_TEST(leak_cause, library_threads_that_outlive_teardown_are_leaks)
{
    SCENE(scene);
    begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    begin_torn_down(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    assert_cause(&scene, 1, SL_CAUSE_PARKED,
                 "1 thread waits on a condition without a time-out; it did not run in the 2s "
                 "between Close and the last look; of libnats.so.3.4.1, whose shutdown did not "
                 "end it");
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_cause, threads_with_one_stack_may_be_resident_and_leaked)
{
    SCENE(scene);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    begin_torn_down(&scene);
    (void) sl_build_thread(scene.builder, 102, 2, scene.timer);
    (void) sl_build_thread(scene.builder, 103, 500, scene.worker); /* another thread by now */
    analyse(&scene);
    cr_assert_eq(scene.report.n_groups, 2);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 2);
    cr_assert_eq(scene.report.groups[0].tids[0], 102);
    cr_assert_eq(scene.report.groups[1].cause, SL_CAUSE_RESIDENT);
    cr_assert_str_eq(scene.report.groups[0].fingerprint, scene.report.groups[1].fingerprint);
}

SL_TEST(leak_cause, without_teardown_library_threads_are_resident_and_the_evidence_says_so)
{
    SCENE(scene);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    assert_cause(&scene, 1, SL_CAUSE_RESIDENT,
                 "1 thread of libnats.so.3.4.1, not seen to end: teardown was not reached");
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 1);
}

SL_TEST(leak_cause, a_thread_of_the_program_that_ends_at_teardown_is_a_leak)
{
    SCENE(scene);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    begin_torn_down(&scene);
    analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_cause, a_library_thread_without_a_stack_is_known_by_its_earlier_one)
{
    SCENE(scene);
    begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, NULL);
    begin_torn_down(&scene);
    analyse(&scene);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 1);
}

/* not-closed */

SL_TEST(leak_cause, when_close_was_never_called_every_group_is_not_closed)
{
    SCENE(scene);
    scene.input.close_reached = false;
    begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    begin_torn_down(&scene);
    analyse(&scene);
    cr_assert_eq(scene.report.n_groups, 2);
    assert_group(&scene, 0, 2, SL_CAUSE_NOT_CLOSED, "Close was never called");
    assert_group(&scene, 1, 1, SL_CAUSE_NOT_CLOSED, "Close was never called");
    cr_assert_eq(scene.report.count, 3, "library threads are leaks when nothing was closed");
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_cause, a_live_witness_makes_every_group_not_closed_and_is_named)
{
    SCENE(scene);
    begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 768, 2, scene.worker);
    (void) add_reader(&scene, 4711);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 768, 2, scene.worker);
    (void) add_reader(&scene, 4711);
    analyse(&scene);
    static const char evidence[] = "Close had no effect: read loop of the NATS client (thread "
                                   "4711) is still alive";
    cr_assert_eq(scene.report.n_groups, 2);
    assert_group(&scene, 0, 768, SL_CAUSE_NOT_CLOSED, evidence);
    assert_group(&scene, 1, 1, SL_CAUSE_NOT_CLOSED, evidence);
    cr_assert_eq(scene.report.count, 769);
}

SL_TEST(leak_cause, several_witnesses_are_counted)
{
    SCENE(scene);
    begin_settled(&scene);
    (void) add_reader(&scene, 101);
    (void) add_reader(&scene, 102);
    (void) add_reader(&scene, 103);
    assert_cause(&scene, 3, SL_CAUSE_NOT_CLOSED,
                 "Close had no effect: read loop of the NATS client (thread 101 and 2 more) is "
                 "still alive");
}

SL_TEST(leak_cause, a_witness_has_to_match_in_all_that_it_names)
{
    static const struct {
        struct sl_leak_witness witness;
        bool matches;
    } cases[] = {
        {{.module = "libnats.so", .socket = true, .text = "x"}, true},
        {{.module = "libuv.so", .socket = true, .text = "x"}, false},
        {{.module = "app", .text = "x"}, true},
        {{.module = "app", .socket = true, .text = "x"}, false},
        {{.function = "recv", .text = "x"}, true},
        {{.function = "pool_worker", .text = "x"}, true},
        {{.function = "pool_worker", .socket = true, .text = "x"}, false},
        {{.function = "pool", .text = "x"}, false},
        {{.module = "libnats.so", .function = "pool_worker", .text = "x"}, false},
        {{.socket = true, .text = "x"}, true},
        {{.text = "x"}, true},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        const struct sl_leak_witness witnesses[] = {cases[i].witness, {.text = NULL}};
        SCENE(scene);
        scene.input.witnesses = witnesses;
        begin_settled(&scene);
        (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
        (void) add_reader(&scene, 102);
        analyse(&scene);
        cr_assert_eq(scene.report.groups[0].cause == SL_CAUSE_NOT_CLOSED, cases[i].matches,
                     "case %zu", i);
    }
}

SL_TEST(leak_cause, a_witness_that_was_there_at_the_start_proves_nothing)
{
    SCENE(scene);
    scene.input.start = sl_build_snapshot(scene.builder, SL_NS_PER_S);
    (void) add_reader(&scene, 101);
    begin_settled(&scene);
    (void) add_reader(&scene, 101);
    (void) sl_build_thread(scene.builder, 102, 2, scene.worker);
    analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.groups[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_cause, a_witness_without_a_stack_is_known_by_its_earlier_one)
{
    SCENE(scene);
    begin_closed(&scene);
    (void) add_reader(&scene, 101);
    begin_settled(&scene);
    add_reader(&scene, 101)->stack = NULL;
    analyse(&scene);
    cr_assert_eq(scene.report.groups[0].cause, SL_CAUSE_NOT_CLOSED);
}

SL_TEST(leak_cause, that_nothing_ended_is_told_but_is_no_proof_that_close_did_nothing)
{
    SCENE(scene);
    scene.input.start = sl_build_snapshot(scene.builder, SL_NS_PER_S);
    (void) sl_build_thread(scene.builder, 50, 1, NULL); /* of the start, so none of the 3 */
    struct sl_snapshot *loaded = sl_build_snapshot(scene.builder, 3 * SL_NS_PER_S);
    (void) sl_build_thread(scene.builder, 50, 1, NULL);
    sl_build_threads(scene.builder, 101, 2, 2, NULL);
    (void) sl_build_thread(scene.builder, 201, 2, NULL);
    scene.input.loaded = loaded;
    begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    begin_torn_down(&scene);
    analyse(&scene);
    cr_assert_eq(scene.report.n_groups, 2);
    assert_group(&scene, 0, 2, SL_CAUSE_PARKED,
                 "2 threads wait on a condition without a time-out; none of them ran in the 2s "
                 "between Close and the last look; none of the 3 threads at peak has ended");
}

SL_TEST(leak_cause, one_thread_that_ended_since_peak_is_enough_to_not_say_it)
{
    SCENE(scene);
    scene.input.loaded = sl_build_snapshot(scene.builder, 3 * SL_NS_PER_S);
    sl_build_threads(scene.builder, 101, 2, 2, NULL);
    begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    assert_cause(&scene, 1, SL_CAUSE_UNKNOWN, "1 thread waits on a condition without a time-out");
}
