/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/macros.h"
#include "harness/leak/leak.h"
#include "snapshot_builder.h"

#define MAIN   "libc.so.6:read|app:main|libc.so.6:__libc_start_main|app:_start"
#define WORKER "libc.so.6:pthread_cond_wait|app:take|app:worker|libc.so.6:start_thread"

SL_TEST(leak_group_index, every_thread_is_led_to_the_group_of_its_stack)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_snapshot *snapshot = sl_build_snapshot(builder, 1);
    const struct sl_leak_group *groups = NULL;
    const uint32_t *index = NULL;
    uint32_t counts[8] = {0};
    size_t n_groups = 0;
    struct sl_error err = {0};

    (void) sl_build_thread(builder, 100, 1, sl_build_stack(builder, MAIN));
    for (pid_t tid = 101; tid < 121; tid += 2) { /* each with a stack of its own */
        (void) sl_build_thread(builder, tid, 2, sl_build_stack(builder, WORKER));
        (void) sl_build_thread(builder, tid + 1, 2, NULL);
    }
    sl_assert_ok(sl_leak_group_all(snapshot, arena, &groups, &n_groups, &err), &err);
    sl_assert_ok(sl_leak_group_index(snapshot, groups, n_groups, arena, &index, &err), &err);
    cr_assert_eq(n_groups, 3);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        cr_assert_lt(index[i], n_groups);
        counts[index[i]]++;
        const struct sl_leak_group *group = &groups[index[i]];
        cr_assert_eq(group->n_frames,
                     snapshot->threads[i].stack ? snapshot->threads[i].stack->n_frames : 0);
    }
    for (size_t g = 0; g < n_groups; g++)
        cr_assert_eq(counts[g], groups[g].count);
}

SL_TEST(leak_group_index, groups_of_another_snapshot_are_refused)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_snapshot *snapshot = sl_build_snapshot(builder, 1);
    const uint32_t *index = NULL;
    struct sl_error err = {0};

    (void) sl_build_thread(builder, 100, 1, sl_build_stack(builder, MAIN));
    sl_assert_fails(sl_leak_group_index(snapshot, NULL, 0, arena, &index, &err), SL_EINVAL, &err,
                    "thread 100");
    cr_assert_null(index);
}
