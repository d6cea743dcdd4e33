/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "leak_scene.h"

SL_TEST(leak_closing, library_threads_that_end_with_teardown_are_resident_and_not_counted)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    scene_begin_torn_down(&scene);
    scene_assert_cause(&scene, 3, SL_CAUSE_RESIDENT,
                       "3 threads of libnats.so.3.4.1, gone after its shutdown");
    cr_assert_not(scene.report.findings[0].counted);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 3);
}

SL_TEST(leak_closing, library_threads_that_outlive_teardown_are_leaks)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    scene_begin_torn_down(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    scene_assert_cause(
        &scene, 1, SL_CAUSE_PARKED,
        "1 thread waits on a condition without a time-out; it did not run in the 2s "
        "between the end mark and the last look; of libnats.so.3.4.1, whose shutdown did not "
        "end it");
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_closing, library_threads_that_teardown_replaces_are_leaks)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    scene_begin_torn_down(&scene);
    (void) sl_build_thread(scene.builder, 201, 700, scene.timer);
    (void) sl_build_thread(scene.builder, 202, 700, scene.worker); /* of no library */
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 1, "as many as took the place of others");
    cr_assert_eq(scene.report.resident, 2);
    cr_assert(strstr(scene.report.findings[0].evidence,
                     "; of libnats.so.3.4.1, whose shutdown made another one in its place"),
              "%s", scene.report.findings[0].evidence);
}

SL_TEST(leak_closing, threads_with_one_stack_may_be_resident_and_leaked)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    scene_begin_torn_down(&scene);
    (void) sl_build_thread(scene.builder, 102, 2, scene.timer);
    (void) sl_build_thread(scene.builder, 103, 500, scene.worker); /* another thread by now */
    scene_analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 2);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 2);
    cr_assert_eq(scene.report.findings[0].group.ids[0], 102);
    cr_assert_eq(scene.report.findings[1].cause, SL_CAUSE_RESIDENT);
    cr_assert_str_eq(scene.report.findings[0].group.fingerprint,
                     scene.report.findings[1].group.fingerprint);
}

SL_TEST(leak_closing, without_teardown_library_threads_are_resident_and_the_evidence_says_so)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    scene_assert_cause(
        &scene, 1, SL_CAUSE_RESIDENT,
        "1 thread of libnats.so.3.4.1, not seen to end: nobody looked after its shutdown");
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 1);
}

SL_TEST(leak_closing, a_thread_of_the_program_that_ends_at_teardown_is_a_leak)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_begin_torn_down(&scene);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_closing, a_library_thread_without_a_stack_is_known_by_its_earlier_one)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.timer);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, NULL);
    scene_begin_torn_down(&scene);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 1);
}

SL_TEST(leak_closing, when_close_was_never_called_every_group_is_not_closed)
{
    SCENE(scene);
    scene.input.close_reached = false;
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    scene_begin_torn_down(&scene);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 2);
    scene_assert_group(&scene, 0, 2, SL_CAUSE_NOT_CLOSED, "the end mark was never reached");
    scene_assert_group(&scene, 1, 1, SL_CAUSE_NOT_CLOSED, "the end mark was never reached");
    cr_assert_eq(scene.report.count, 3, "library threads are leaks when nothing was closed");
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_closing, a_live_witness_makes_every_group_not_closed_and_is_named)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 768, 2, scene.worker);
    (void) scene_add_reader(&scene, 4711);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 768, 2, scene.worker);
    (void) scene_add_reader(&scene, 4711);
    scene_analyse(&scene);
    static const char evidence[] =
        "what has to end by then was left: read loop of the NATS client (thread "
        "4711) is still alive";
    cr_assert_eq(scene.report.n_findings, 2);
    scene_assert_group(&scene, 0, 768, SL_CAUSE_NOT_CLOSED, evidence);
    scene_assert_group(&scene, 1, 1, SL_CAUSE_NOT_CLOSED, evidence);
    cr_assert_eq(scene.report.count, 769);
}

SL_TEST(leak_closing, several_witnesses_are_counted)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    (void) scene_add_reader(&scene, 101);
    (void) scene_add_reader(&scene, 102);
    (void) scene_add_reader(&scene, 103);
    scene_assert_cause(
        &scene, 3, SL_CAUSE_NOT_CLOSED,
        "what has to end by then was left: read loop of the NATS client (thread 101 and 2 more) is "
        "still alive");
}

SL_TEST(leak_closing, a_witness_has_to_match_in_all_that_it_names)
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
        scene_begin_settled(&scene);
        (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
        (void) scene_add_reader(&scene, 102);
        scene_analyse(&scene);
        cr_assert_eq(scene.report.findings[0].cause == SL_CAUSE_NOT_CLOSED, cases[i].matches,
                     "case %zu", i);
    }
}

SL_TEST(leak_closing, a_witness_that_was_there_at_the_start_proves_nothing)
{
    SCENE(scene);
    scene.input.start = sl_build_snapshot(scene.builder, SL_NS_PER_S);
    (void) scene_add_reader(&scene, 101);
    scene_begin_settled(&scene);
    (void) scene_add_reader(&scene, 101);
    (void) sl_build_thread(scene.builder, 102, 2, scene.worker);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_UNKNOWN);
}

SL_TEST(leak_closing, a_witness_without_a_stack_is_known_by_its_earlier_one)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) scene_add_reader(&scene, 101);
    scene_begin_settled(&scene);
    scene_add_reader(&scene, 101)->stack = NULL;
    scene_analyse(&scene);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_NOT_CLOSED);
}

SL_TEST(leak_closing, a_witness_that_runs_at_one_look_is_known_by_its_wait_at_the_other)
{
    for (int running = 0; running < 2; running++) {
        SCENE(scene);
        scene_begin_closed(&scene);
        struct sl_thread *reader = scene_add_reader(&scene, 101);
        if (running == 0)
            reader->wait = (struct sl_wait){.syscall_nr = -1};
        scene_begin_settled(&scene);
        reader = scene_add_reader(&scene, 101);
        if (running == 1)
            reader->wait = (struct sl_wait){.syscall_nr = -1};
        scene_analyse(&scene);
        cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_NOT_CLOSED, "running at look %d",
                     running);
    }
}

SL_TEST(leak_closing, that_nothing_ended_is_told_but_is_no_proof_that_close_did_nothing)
{
    SCENE(scene);
    scene.input.start = sl_build_snapshot(scene.builder, SL_NS_PER_S);
    (void) sl_build_thread(scene.builder, 50, 1, NULL); /* of the start, so none of the 3 */
    struct sl_snapshot *loaded = sl_build_snapshot(scene.builder, 3 * SL_NS_PER_S);
    (void) sl_build_thread(scene.builder, 50, 1, NULL);
    sl_build_threads(scene.builder, 101, 2, 2, NULL);
    (void) sl_build_thread(scene.builder, 201, 2, NULL);
    scene.input.loaded = loaded;
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 2, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 201, 2, scene.timer);
    scene_begin_torn_down(&scene);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 2);
    scene_assert_group(
        &scene, 0, 2, SL_CAUSE_PARKED,
        "2 threads wait on a condition without a time-out; none of them ran in the 2s "
        "between the end mark and the last look; none of the 3 threads at peak has ended");
}

SL_TEST(leak_closing, one_thread_that_ended_since_peak_is_enough_to_not_say_it)
{
    SCENE(scene);
    scene.input.loaded = sl_build_snapshot(scene.builder, 3 * SL_NS_PER_S);
    sl_build_threads(scene.builder, 101, 2, 2, NULL);
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_assert_cause(&scene, 1, SL_CAUSE_UNKNOWN,
                       "1 thread waits on a condition without a time-out");
}
