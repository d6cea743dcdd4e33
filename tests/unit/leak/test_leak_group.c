/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/group.h"
#include "sl_alloc.h"
#include "snapshot_builder.h"

#define MAIN   "libc.so.6:read|app:main|libc.so.6:__libc_start_main|app:_start"
#define WORKER "libc.so.6:pthread_cond_wait|app:take|app:worker|libc.so.6:start_thread"

SL_TEST(leak_group, every_thread_is_a_member_of_the_group_of_its_stack)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_snapshot *snapshot = sl_build_snapshot(builder, 1);
    const struct sl_group *groups = NULL;
    size_t n_groups = 0, n_members = 0;
    struct sl_error err = {0};

    (void) sl_build_thread(builder, 100, 1, sl_build_stack(builder, MAIN));
    for (pid_t tid = 101; tid < 121; tid += 2) { /* each with a stack of its own */
        (void) sl_build_thread(builder, tid, 2, sl_build_stack(builder, WORKER));
        (void) sl_build_thread(builder, tid + 1, 2, NULL);
    }
    sl_assert_ok(sl_leak_group_all(snapshot, arena, &groups, &n_groups, &err), &err);
    cr_assert_eq(n_groups, 3);
    for (size_t g = 0; g < n_groups; g++) {
        cr_assert_eq(groups[g].n_members, groups[g].count);
        n_members += groups[g].n_members;
        for (size_t i = 0; i < groups[g].n_members; i++) {
            const struct sl_thread *thread = &snapshot->threads[groups[g].members[i]];
            cr_assert(i == 0 || groups[g].members[i - 1] < groups[g].members[i]);
            cr_assert_eq(groups[g].n_frames, thread->stack ? thread->stack->n_frames : 0);
        }
    }
    cr_assert_eq(n_members, snapshot->n_threads);
}

static enum sl_status group_once(void *user, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    if (!arena)
        return sl_fail(err, SL_ENOMEM, "no memory for the arena");
    const struct sl_group *groups = NULL;
    size_t n_groups = 77;
    enum sl_status status = sl_leak_group_all(user, arena, &groups, &n_groups, err);
    cr_assert_eq(n_groups, status ? 77 : 1);
    cr_assert_eq(groups == NULL, status != SL_OK);
    return status;
}

SL_TEST(leak_group, a_failed_allocation_is_reported_and_nothing_is_returned)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    struct sl_snapshot *snapshot = sl_build_snapshot(builder, 1);
    sl_build_threads(builder, 101, 3, 2, sl_build_stack(builder, WORKER));
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, group_once, snapshot), 5);
}
