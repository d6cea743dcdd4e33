/* SPDX-License-Identifier: Apache-2.0 */
/* Goroutines of a program, which is this one: it plays Go. */
#include "sl_test.h"

#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "go_scene.h"
#include "harness/goroutine/live/layout.h"
#include "harness/goroutine/live/live.h"
#include "harness/model/snapshot.h"

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

static enum sl_status look(struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    return sl_goroutines_take(getpid(), NULL, ret_snapshot, err);
}

static void check_frame(const struct sl_frame *frame, const char *function, bool inlined)
{
    cr_expect_str_eq(frame->function, function);
    cr_expect_str_eq(frame->file, "/src/main.go");
    cr_expect_eq(frame->line, 7);
    cr_expect_eq(frame->inlined, inlined);
}

static void check_waiting(const struct sl_thread *thread, const struct live_layout *layout)
{
    cr_assert(thread->stack, "%s", thread->reason);
    cr_expect(thread->stack->complete, "%s", thread->stack->reason);
    cr_expect_str_eq(thread->wait.text, "chan receive");
    cr_expect_eq(thread->wait.kind, SL_WAIT_CHANNEL);
    cr_expect(thread->consistent);
    cr_expect_eq(thread->goroutine->creator, layout->g->parent ? 1 : 0);
    if (thread->id == 1)
        cr_expect(!thread->created_by, "nobody started the first");
    else
        check_frame(&thread->created_by->frames[0], "main.main", false);
}

static void check(const struct sl_snapshot *snapshot, const struct live_layout *layout)
{
    const struct sl_thread *threads = snapshot->threads;

    cr_assert_eq(snapshot->n_threads, 3, "that of the runtime is not listed");
    cr_expect_eq(snapshot->kind, SL_SNAPSHOT_GOROUTINES);
    check_waiting(&threads[0], layout);
    cr_assert_eq(threads[0].stack->n_frames, 3);
    check_frame(&threads[0].stack->frames[0], "main.wait", false);
    check_frame(&threads[0].stack->frames[1], "main.run[...]", true);
    check_frame(&threads[0].stack->frames[2], "main.main", false);
    check_waiting(&threads[1], layout);
    cr_assert_eq(threads[1].stack->n_frames, 2);
    check_frame(&threads[1].stack->frames[1], "main.main", false);
    cr_expect_eq(threads[2].id, 4);
    cr_expect(!threads[2].stack && threads[2].reason);
    cr_expect_str_eq(threads[2].wait.text, "running");
}

SL_TEST(live, goroutines_of_every_known_release_are_found)
{
    for (size_t i = 0; i < live_n_layouts; i++) {
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
        struct sl_error err = {0};
        go_scene_play(live_layouts[i].minor);
        cr_assert_eq(look(&snapshot, &err), SL_OK, "go1.%d: %s", live_layouts[i].minor, err.text);
        check(snapshot, &live_layouts[i]);
    }
}

SL_TEST(live, another_release_is_refused_with_its_name)
{
    struct sl_snapshot *snapshot;
    struct sl_error err = {0};

    go_scene_play(99);
    cr_assert_eq(look(&snapshot, &err), SL_ENOTSUP);
    cr_expect(strstr(err.text, "go1.99") && strstr(err.text, "go1.19"), "%s", err.text);
}

SL_TEST(live, a_program_that_is_none_of_gos_is_told_from_one)
{
    struct sl_snapshot *snapshot;
    struct sl_error err = {0};

    go_scene_end();
    cr_expect_eq(look(&snapshot, &err), SL_ENOENT, "%s", err.text);
}

SL_TEST(live, damage_is_refused_or_said_of_the_goroutine)
{
    size_t size;
    uint8_t *bytes = go_scene_bytes(&size);

    for (size_t at = 0; at + 8 <= size; at += 24) {
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
        struct sl_error err = {0};
        go_scene_play(19);
        memset(bytes + at, at % 5 ? 0xff : 0x7f, 8);
        if (look(&snapshot, &err)) {
            cr_expect(*err.text, "it is said why");
            continue;
        }
        for (size_t i = 0; i < snapshot->n_threads; i++)
            cr_expect(snapshot->threads[i].stack || snapshot->threads[i].reason);
    }
}

SL_TEST(live, releases_are_told_apart)
{
    static const char *const known[] = {"go1.17", "go1.19.8", "go1.25.3", "go1.22.1 X:nocoverage",
                                        "go1.20-custom"};
    static const char *const unknown[] = {"go1.16", "go1.26",      "go1.21.3", "go1.20rc1", "go2.0",
                                          "",       "devel go1.2", "go1.",     "go1.199"};

    for (size_t i = 0; i < SL_COUNT_OF(known); i++)
        cr_expect(layout_find(known[i]), "%s", known[i]);
    for (size_t i = 0; i < SL_COUNT_OF(unknown); i++)
        cr_expect(!layout_find(unknown[i]), "%s", unknown[i]);
}
