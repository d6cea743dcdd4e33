/* SPDX-License-Identifier: Apache-2.0 */
/* What threads that stayed cost, and when those ended that did not. */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "leak_scene.h"

/* The settled look, as if the stacks had been measured in it. */
static void measure(struct scene *scene, struct sl_snapshot *settled)
{
    *settled = *scene->input.settled;
    settled->stacks_measured = true;
    scene->input.settled = settled;
}

static struct sl_thread *add_worker(struct scene *scene, pid_t tid, struct sl_value stack_bytes)
{
    struct sl_thread *thread = sl_build_thread(scene->builder, tid, 2, scene->worker);
    thread->stack_bytes = stack_bytes;
    return thread;
}

SL_TEST(leak_cost, of_a_group_all_threads_are_added_up)
{
    struct sl_snapshot settled;
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) add_worker(&scene, 101, (struct sl_value){0});
    (void) add_worker(&scene, 102, (struct sl_value){0});
    scene_begin_settled(&scene);
    (void) add_worker(&scene, 101, SL_VALUE(8192));
    add_worker(&scene, 102, SL_VALUE(12288))->cpu_ns += SL_NS_PER_S / 2;
    measure(&scene, &settled);
    scene_analyse(&scene);
    const struct sl_leak_cost *cost = &scene.report.findings[0].cost;
    cr_assert(!cost->stack_bytes.missing && cost->stack_bytes.value == 20480);
    cr_assert(!cost->cpu_ns_per_second.missing);
    cr_assert_eq(cost->cpu_ns_per_second.value, SL_NS_PER_S / 4);
    cr_assert(!cost->descriptors.missing && cost->descriptors.value == 0);
}

SL_TEST(leak_cost, what_is_not_known_of_one_thread_is_not_known)
{
    struct sl_snapshot settled;
    SCENE(scene);
    scene_begin_closed(&scene);
    (void) add_worker(&scene, 101, (struct sl_value){0});
    scene_begin_settled(&scene);
    (void) add_worker(&scene, 101, SL_VALUE(8192));
    (void) add_worker(&scene, 102, SL_MISSING_VALUE("it hides"));
    measure(&scene, &settled);
    scene_analyse(&scene);
    const struct sl_leak_cost *cost = &scene.report.findings[0].cost;
    cr_assert_str_eq(cost->stack_bytes.missing, "it hides");
    cr_assert_str_eq(cost->cpu_ns_per_second.missing, "how much they ran is not known of all");
}

SL_TEST(leak_cost, descriptors_are_told_apart_by_what_they_lead_to)
{
    SCENE(scene);
    scene.input.witnesses = NULL;
    scene.input.library_modules = NULL;
    scene_begin_settled(&scene);
    (void) scene_add_reader(&scene, 101);
    (void) scene_add_reader(&scene, 102);
    scene_add_reader(&scene, 103)->wait.target = "TCP 127.0.0.1:4223";
    scene_analyse(&scene);
    const struct sl_leak_cost *cost = &scene.report.findings[0].cost;
    cr_assert_eq(cost->descriptors.value, 2);
    cr_assert_str_eq(cost->stack_bytes.missing, "the stacks were not measured");
    cr_assert_str_eq(cost->cpu_ns_per_second.missing, "there was one look");
}

SL_TEST(leak_late, threads_are_grouped_by_stack_with_a_histogram_of_when_they_ended)
{
    SCENE(scene);
    const struct sl_late_thread late[] = {
        {.tid = 103, .start_time = 2, .delay_ns = 15 * SL_NS_PER_MS},
        {.tid = 101, .start_time = 2, .delay_ns = SL_NS_PER_MS},
        {.tid = 999, .start_time = 9, .name = "unseen", .delay_ns = 4000 * SL_NS_PER_S},
        {.tid = 102, .start_time = 2, .delay_ns = 11 * SL_NS_PER_MS},
    };
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.worker);
    scene_begin_settled(&scene);
    scene.input.late = late;
    scene.input.n_late = SL_COUNT_OF(late);
    scene_analyse(&scene);

    const struct sl_late_group *groups = scene.report.late_groups;
    cr_assert_eq(scene.report.n_late_groups, 2);
    cr_assert_str_eq(groups[0].function, "queue_take");
    cr_assert(groups[0].count == 3 && groups[0].n_bins == 2);
    cr_assert(groups[0].bins[0].up_to_ns == SL_NS_PER_MS && groups[0].bins[0].count == 1);
    cr_assert(groups[0].bins[1].up_to_ns == 20 * SL_NS_PER_MS && groups[0].bins[1].count == 2);
    cr_assert_null(groups[1].function);
    cr_assert_str_eq(groups[1].fingerprint, "");
    cr_assert_str_eq(groups[1].thread_name, "unseen");
    cr_assert(groups[1].count == 1 && groups[1].bins[0].up_to_ns == 3600 * SL_NS_PER_S);
}

SL_TEST(leak_late, one_that_has_the_id_of_another_is_not_taken_for_it)
{
    SCENE(scene);
    const struct sl_late_thread late = {.tid = 101, .start_time = 3, .delay_ns = 1};
    scene_begin_closed(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
    scene_begin_settled(&scene);
    scene.input.late = &late;
    scene.input.n_late = 1;
    scene_analyse(&scene);
    cr_assert_null(scene.report.late_groups[0].function);
}
