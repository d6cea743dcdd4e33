/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that ended and were never joined, as the analysis counts them. */
#include "sl_test.h"

#include "leak_scene.h"

/* Let the look that was begun last have n of them, started with the outermost function. */
static void
leave_unjoined(struct scene *scene, struct sl_snapshot *snapshot, size_t n, const char *frame)
{
    const struct sl_stack *stack = sl_build_stack(scene->builder, frame);
    struct sl_unjoined *all = sl_arena_array(scene->arena, snapshot->n_unjoined + n, sizeof *all);

    cr_assert(all);
    for (size_t i = 0; i < snapshot->n_unjoined; i++)
        all[i] = snapshot->unjoined[i];
    for (size_t i = 0; i < n; i++)
        all[snapshot->n_unjoined + i] = (struct sl_unjoined){
            .pthread = 0x7f0000000000 + 0x1000 * (snapshot->n_unjoined + i),
            .start = stack->frames,
        };
    snapshot->unjoined = all;
    snapshot->n_unjoined += n;
}

static struct sl_snapshot *settled_of(struct scene *scene)
{
    return (struct sl_snapshot *) scene->input.settled; /* the scene's own */
}

SL_TEST(leak_unjoined, threads_that_ended_are_leaks_by_the_function_they_were_started_with)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    scene_begin_settled(&scene);
    leave_unjoined(&scene, settled_of(&scene), 50, "app.so:fetch_once");
    leave_unjoined(&scene, settled_of(&scene), 1, "app.so:tick");
    scene_analyse(&scene);
    scene_assert_group(&scene, 0, 50, SL_CAUSE_UNJOINED,
                       "50 threads ended and were never joined: the C library keeps their stacks");
    scene_assert_group(&scene, 1, 1, SL_CAUSE_UNJOINED,
                       "1 thread ended and was never joined: the C library keeps its stack");
    cr_assert_str_eq(scene.report.findings[0].group.function, "fetch_once");
    cr_assert(scene.report.findings[0].counted);
    cr_assert_eq(scene.report.findings[0].group.n_ids, 0, "nobody has these numbers any more");
    cr_assert_not(scene.report.findings[0].group.complete);
    cr_assert_eq(scene.report.count, 51);
    cr_assert_eq(scene.report.unjoined, 51);
    cr_assert_null(scene.report.unjoined_missing);
}

SL_TEST(leak_unjoined, a_living_thread_of_the_same_function_is_another_group)
{
    SCENE(scene);
    scene_park_workers(&scene, 2);
    leave_unjoined(&scene, settled_of(&scene), 3, "app:worker");
    scene_analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 2);
    cr_assert_eq(scene.report.count, 5);
    cr_assert_eq(scene.report.unjoined, 3);
}

SL_TEST(leak_unjoined, what_was_there_before_the_bus_is_not_its_own)
{
    SCENE(scene);
    leave_unjoined(&scene, (struct sl_snapshot *) scene.input.start, 2, "app.so:early");
    scene_begin_closed(&scene);
    scene_begin_settled(&scene);
    leave_unjoined(&scene, settled_of(&scene), 3, "app.so:early");
    scene_analyse(&scene);
    cr_assert_eq(scene.report.unjoined, 1);
}

SL_TEST(leak_unjoined, those_of_a_library_that_its_shutdown_joins_are_resident)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    scene_begin_settled(&scene);
    leave_unjoined(&scene, settled_of(&scene), 4, "libnats.so.3.4.1:_timerThread");
    scene_begin_torn_down(&scene);
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.unjoined, 0);
    cr_assert_eq(scene.report.resident, 4);

    SCENE(stays);
    scene_begin_closed(&stays);
    scene_begin_settled(&stays);
    leave_unjoined(&stays, settled_of(&stays), 4, "libnats.so.3.4.1:_timerThread");
    scene_begin_torn_down(&stays);
    leave_unjoined(&stays, (struct sl_snapshot *) stays.input.torn_down, 4, "libnats.so:x");
    scene_analyse(&stays);
    cr_assert_eq(stays.report.unjoined, 4, "the shutdown did not join them");
}

SL_TEST(leak_unjoined, where_they_are_not_known_the_reason_is_kept_and_none_is_counted)
{
    SCENE(scene);
    scene_park_workers(&scene, 2);
    settled_of(&scene)->unjoined_missing = "this version of the C library is not known";
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 2);
    cr_assert_str_eq(scene.report.unjoined_missing, "this version of the C library is not known");
}
