/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <strandline/leak.h>

#include "sl_alloc.h"
#include "snapshot_builder.h"

#define TAKE "app:take|app:worker"
#define SEND "app:send|app:worker"
#define POLL "app:poll|app:reader"
#define IDLE "app:idle|app:pool"

struct scene {
    struct sl_snapshot_builder *builder;
    const struct sl_snapshot *before, *after;
};

/* 1 takes throughout; senders grow by 4, those that poll shrink by 2, an idle pool comes and goes.
 */
static struct scene scene_new(void)
{
    struct scene scene = {.builder = sl_snapshot_builder_new()};
    struct sl_snapshot_builder *builder = scene.builder;

    scene.before = sl_build_snapshot(builder, 1);
    sl_build_threads(builder, 10, 1, 1, sl_build_stack(builder, TAKE));
    sl_build_threads(builder, 20, 2, 1, sl_build_stack(builder, SEND));
    sl_build_threads(builder, 30, 3, 1, sl_build_stack(builder, POLL));
    sl_build_threads(builder, 40, 5, 1, sl_build_stack(builder, IDLE));
    scene.after = sl_build_snapshot(builder, 2);
    sl_build_threads(builder, 11, 1, 1, sl_build_stack(builder, TAKE));
    sl_build_threads(builder, 20, 6, 1, sl_build_stack(builder, SEND));
    sl_build_threads(builder, 30, 1, 1, sl_build_stack(builder, POLL));
    sl_build_threads(builder, 50, 1, 1, sl_build_stack(builder, "app:late|app:pool"));
    sl_build_threads(builder, 60, 7, 1, sl_build_stack(builder, "app:early|app:pool"));
    return scene;
}

static void scene_release(struct scene *scene)
{
    sl_snapshot_builder_free(scene->builder);
}

#define SCENE(name) SL_CLEANUP(scene_release) struct scene name = scene_new()

SL_TEST(leak_diff, groups_that_changed_are_told_by_kind_and_size)
{
    static const struct {
        enum sl_diff_kind kind;
        const char *function;
        uint32_t before, after;
    } expected[] = {
        {SL_DIFF_APPEARED, "early", 0, 7}, {SL_DIFF_APPEARED, "late", 0, 1},
        {SL_DIFF_GREW, "send", 2, 6},      {SL_DIFF_SHRANK, "poll", 3, 1},
        {SL_DIFF_GONE, "idle", 5, 0},
    };
    SCENE(scene);
    struct sl_diff *diff = NULL;
    struct sl_error err = {0};

    sl_assert_ok(sl_diff_make(scene.before, scene.after, &diff, &err), &err);
    cr_assert_eq(sl_diff_n(diff), SL_COUNT_OF(expected));
    for (size_t i = 0; i < SL_COUNT_OF(expected); i++) {
        const struct sl_diff_entry *entry = sl_diff_entry(diff, i);
        cr_assert_eq(sl_diff_entry_kind(entry), expected[i].kind, "entry %zu", i);
        cr_assert_str_eq(sl_group_function(sl_diff_entry_group(entry)), expected[i].function);
        cr_assert_eq(sl_diff_entry_before(entry), expected[i].before, "entry %zu", i);
        cr_assert_eq(sl_diff_entry_after(entry), expected[i].after, "entry %zu", i);
    }
    cr_assert_null(sl_diff_entry(diff, SL_COUNT_OF(expected)));
    cr_assert_str_eq(sl_diff_kind_text(SL_DIFF_GREW), "grew");
    cr_assert_str_eq(sl_diff_kind_text((enum sl_diff_kind) 5), "unknown");
    sl_diff_free(diff);
}

SL_TEST(leak_diff, a_snapshot_does_not_differ_from_itself)
{
    SCENE(scene);
    struct sl_diff *diff = NULL;
    struct sl_error err = {0};

    sl_assert_ok(sl_diff_make(scene.after, scene.after, &diff, &err), &err);
    cr_assert_eq(sl_diff_n(diff), 0);
    sl_diff_free(diff);
}

SL_TEST(leak_diff, groups_outlive_their_snapshot_and_know_their_members)
{
    struct scene scene = scene_new();
    struct sl_groups *groups = NULL;
    struct sl_error err = {0};

    sl_assert_ok(sl_groups_make(scene.after, &groups, &err), &err);
    const struct sl_group *largest = sl_groups_group(groups, 0);
    const size_t member = sl_group_member(largest, 6);
    cr_assert_eq(sl_thread_id(sl_snapshot_thread(scene.after, member)), 66);
    cr_assert_eq(sl_groups_of_thread(groups, member), largest);
    cr_assert_neq(sl_groups_of_thread(groups, 0), largest);
    cr_assert_null(sl_groups_of_thread(groups, sl_snapshot_n_threads(scene.after)));
    scene_release(&scene);
    cr_assert_eq(sl_groups_n(groups), 5);
    cr_assert_null(sl_groups_group(groups, 5));
    cr_assert_str_eq(sl_group_function(largest), "early");
    cr_assert_str_eq(sl_frame_function(sl_group_frame(largest, 1)), "pool");
    sl_groups_free(groups);
}

static enum sl_status compare_once(void *user, struct sl_error *err)
{
    const struct scene *scene = user;
    struct sl_diff *diff = NULL;
    enum sl_status status = sl_diff_make(scene->before, scene->after, &diff, err);
    sl_diff_free(diff);
    return status;
}

static enum sl_status group_once(void *user, struct sl_error *err)
{
    const struct scene *scene = user;
    struct sl_groups *groups = NULL;
    enum sl_status status = sl_groups_make(scene->after, &groups, err);
    sl_groups_free(groups);
    return status;
}

SL_TEST(leak_diff, memory_that_is_short_is_told)
{
    SCENE(scene);
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, compare_once, &scene), 0);
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, group_once, &scene), 0);
}
