/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/leak/leak.h"
#include "sl_alloc.h"
#include "snapshot_builder.h"

#define START "|libc.so.6:start_thread|libc.so.6:clone3"
#define WAIT  "libc.so.6:futex_wait|libc.so.6:pthread_cond_wait|"
#define MAIN  "libc.so.6:read|app:main|libc.so.6:__libc_start_main|app:_start"

#define WORKER WAIT "app:queue_take|app:pool_worker" START
#define FETCH  WAIT "app:fetch|app:pull_loop" START
#define TIMER  WAIT "libnats.so.3.4.1:|libnats.so.3.4.1:" START

static const char *const nats_modules[] = {"libnats.so", NULL};

/* Everything a test needs; frees itself. */
struct scene {
    struct sl_snapshot_builder *builder;
    struct sl_arena *arena;
    struct sl_leak_input input;
    struct sl_leak_report report;
};

static void scene_release(struct scene *scene)
{
    sl_snapshot_builder_free(scene->builder);
    sl_arena_free(scene->arena);
}

/* A start with the main thread (tid 100, start time 1) alone; close is reached. */
static struct scene scene_new(void)
{
    struct scene scene = {.builder = sl_snapshot_builder_new(), .arena = sl_arena_new()};
    cr_assert(scene.arena);
    scene.input.start = sl_build_snapshot(scene.builder, SL_NS_PER_S);
    (void) sl_build_thread(scene.builder, 100, 1, sl_build_stack(scene.builder, MAIN));
    scene.input.library_modules = nats_modules;
    scene.input.close_reached = true;
    return scene;
}

/* A further snapshot, with the main thread in it. */
static struct sl_snapshot *look(struct scene *scene, uint64_t taken_s)
{
    struct sl_snapshot *snapshot = sl_build_snapshot(scene->builder, taken_s * SL_NS_PER_S);
    (void) sl_build_thread(scene->builder, 100, 1, sl_build_stack(scene->builder, MAIN));
    return snapshot;
}

static void analyse(struct scene *scene)
{
    struct sl_error err = {0};
    sl_assert_ok(sl_leak_analyse(&scene->input, scene->arena, &scene->report, &err), &err);
}

static const struct sl_finding *only_finding(const struct scene *scene)
{
    cr_assert_eq(scene->report.n_findings, 1, "%zu groups", scene->report.n_findings);
    return &scene->report.findings[0];
}

#define SCENE(name) SL_CLEANUP(scene_release) struct scene name = scene_new()

SL_TEST(leak_analyse, a_thread_of_the_start_is_no_leak)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    scene.input.settle_ns = 7;
    analyse(&scene);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.n_findings, 0);
    cr_assert_eq(scene.report.settle_ns, 7);
}

SL_TEST(leak_analyse, a_new_thread_is_a_leak)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    (void) sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
    const struct sl_finding *finding = only_finding(&scene);
    cr_assert(finding->counted && finding->group.complete);
    cr_assert_eq(finding->group.count, 1);
    cr_assert_str_eq(finding->group.function, "queue_take");
    cr_assert_str_eq(finding->group.thread_name, "pool-101");
    cr_assert_eq(finding->group.wait.kind, SL_WAIT_CONDITION);
    cr_assert_eq(finding->group.n_ids, 1);
    cr_assert_eq(finding->group.ids[0], 101);
}

SL_TEST(leak_analyse, a_reused_tid_is_a_new_thread)
{
    SCENE(scene);
    scene.input.start = look(&scene, 1);
    (void) sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    scene.input.settled = look(&scene, 5);
    (void) sl_build_thread(scene.builder, 101, 900, sl_build_stack(scene.builder, WORKER));
    analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
}

SL_TEST(leak_analyse, the_result_outlives_the_snapshots)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    struct sl_thread *thread =
        sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    thread->wait.target = sl_arena_strdup(scene.arena, "TCP 127.0.0.1:4222");
    analyse(&scene);
    sl_snapshot_builder_free(scene.builder);
    scene.builder = sl_snapshot_builder_new();

    const struct sl_finding *finding = only_finding(&scene);
    cr_assert_eq(finding->group.n_frames, 6);
    cr_assert_str_eq(finding->group.frames[2].function, "queue_take");
    cr_assert_str_eq(finding->group.frames[2].module, "app");
    cr_assert(strstr(finding->group.frames[2].file, "src/file"));
    cr_assert_neq(finding->group.frames[2].line, 0);
    cr_assert_str_eq(finding->group.wait.syscall, "futex");
    cr_assert_str_eq(finding->group.wait.target, "TCP 127.0.0.1:4222");
}

SL_TEST(leak_analyse, a_pool_of_5120_workers_and_5_fetchers_are_two_groups)
{
    SCENE(scene);
    const struct sl_stack *worker = sl_build_stack(scene.builder, WORKER);
    const struct sl_stack *fetch = sl_build_stack(scene.builder, FETCH);
    scene.input.settled = look(&scene, 5);
    sl_build_threads(scene.builder, 1000, 5, 2, fetch);
    sl_build_threads(scene.builder, 2000, 5120, 3, worker);
    analyse(&scene);

    cr_assert_eq(scene.report.count, 5125);
    cr_assert_eq(scene.report.n_findings, 2);
    const struct sl_finding *findings = scene.report.findings;
    cr_assert_eq(findings[0].group.count, 5120);
    cr_assert_str_eq(findings[0].group.function, "queue_take");
    cr_assert_eq(findings[0].group.n_ids, SL_GROUP_SAMPLE);
    cr_assert_eq(findings[0].group.ids[0], 2000);
    cr_assert_eq(findings[0].group.ids[7], 2007);
    cr_assert_eq(findings[1].group.count, 5);
    cr_assert_str_eq(findings[1].group.function, "fetch");
    cr_assert_eq(findings[1].group.n_ids, 5);
}

SL_TEST(leak_analyse, thirty_thousand_threads_with_one_stack_are_one_group)
{
    SCENE(scene);
    const struct sl_stack *worker = sl_build_stack(scene.builder, WORKER);
    scene.input.closed = look(&scene, 4);
    sl_build_threads(scene.builder, 1000, 30000, 2, worker);
    scene.input.settled = look(&scene, 5);
    sl_build_threads(scene.builder, 1000, 30000, 2, worker);
    analyse(&scene);
    cr_assert_eq(scene.report.count, 30000);
    cr_assert_eq(only_finding(&scene)->group.count, 30000);
}

SL_TEST(leak_analyse, thirty_thousand_threads_with_a_stack_each_are_told_apart)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    for (int i = 0; i < 30000; i++) {
        char frames[64];
        (void) snprintf(frames, sizeof frames, "app:f%d|app:worker", i / 2);
        (void) sl_build_thread(scene.builder, 1000 + i, 2, sl_build_stack(scene.builder, frames));
    }
    analyse(&scene);
    cr_assert_eq(scene.report.count, 30000);
    cr_assert_eq(scene.report.n_findings, 15000);
    for (size_t i = 0; i < scene.report.n_findings; i++)
        cr_assert_eq(scene.report.findings[i].group.count, 2);
}

SL_TEST(leak_analyse, equal_frames_in_separate_stacks_are_one_group)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    (void) sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    (void) sl_build_thread(scene.builder, 102, 2, sl_build_stack(scene.builder, WORKER));
    analyse(&scene);
    cr_assert_eq(only_finding(&scene)->group.count, 2);
}

SL_TEST(leak_analyse, threads_without_a_stack_are_leaks_in_groups_of_their_own_kind)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    sl_build_threads(scene.builder, 101, 3, 2, NULL); /* pool-101 to pool-103 */
    sl_build_thread(scene.builder, 104, 2, NULL)->name[0] = 'W';
    sl_build_thread(scene.builder, 105, 2, NULL)->reason = "not permitted";
    (void) sl_build_thread(scene.builder, 106, 2, sl_build_stack(scene.builder, WORKER));
    analyse(&scene);

    cr_assert_eq(scene.report.count, 6);
    cr_assert_eq(scene.report.n_findings, 4);
    const struct sl_finding *finding = &scene.report.findings[0];
    cr_assert_eq(finding->group.count, 3);
    cr_assert_eq(finding->group.n_frames, 0);
    cr_assert_not(finding->group.complete);
    cr_assert_str_eq(finding->group.reason, "thread was on a CPU");
    cr_assert_str_eq(finding->group.function, "(no stack)");
    cr_assert(strstr(finding->evidence, "no stack: thread was on a CPU"), "%s", finding->evidence);
}

SL_TEST(leak_analyse, a_partial_stack_is_a_group_apart_with_its_reason)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    (void) sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    (void) sl_build_thread(scene.builder, 102, 2,
                           sl_build_partial(scene.builder, WORKER, "no unwind table"));
    analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct sl_finding *finding = &scene.report.findings[i];
        if (finding->group.complete)
            cr_assert_null(finding->group.reason);
        else
            cr_assert_str_eq(finding->group.reason, "no unwind table");
    }
}

SL_TEST(leak_analyse, a_stack_without_symbols_says_where_in_its_module_it_is)
{
    static const struct {
        const char *frames, *headline;
    } stacks[] = {
        {"libc.so.6:clone3", "clone3"},
        {"app@12f0:|libc.so.6:clone3", "app+0x12f0"},
        {"app@1300:|libc.so.6:clone3", "app+0x1300"},
        {"@70:|libc.so.6:clone3", "anonymous memory 1+0x70"},
        {"app:|libc.so.6:clone3", "(no symbol in app)"},
        {":", "(no symbol in anonymous memory)"},
    };
    SCENE(scene);
    scene.input.library_modules = NULL;
    scene.input.settled = look(&scene, 5);
    for (size_t i = 0; i < SL_COUNT_OF(stacks); i++)
        (void) sl_build_thread(scene.builder, 101 + (pid_t) i, 2,
                               sl_build_stack(scene.builder, stacks[i].frames));
    analyse(&scene);
    cr_assert_eq(scene.report.n_findings, SL_COUNT_OF(stacks));
    for (size_t i = 0; i < SL_COUNT_OF(stacks); i++) {
        size_t n = 0;
        for (size_t k = 0; k < SL_COUNT_OF(stacks); k++)
            n += strcmp(scene.report.findings[k].group.function, stacks[i].headline) == 0;
        cr_assert_eq(n, 1, "%s", stacks[i].headline);
    }
}

SL_TEST(leak_analyse, threads_of_the_process_count_only_when_that_is_asked_for)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    (void) sl_build_thread(scene.builder, 101, 2,
                           sl_build_stack(scene.builder, "libgomp.so.1:gomp_thread_start" START));
    analyse(&scene);
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 1);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_RESIDENT);
    cr_assert(strstr(scene.report.findings[0].evidence, "OpenMP"));

    scene.input.strict = true;
    analyse(&scene);
    cr_assert_eq(scene.report.count, 1);
    cr_assert_eq(scene.report.resident, 0);
}

SL_TEST(leak_analyse, groups_are_sorted_counted_first_then_by_size_then_by_fingerprint)
{
    SCENE(scene);
    scene.input.settled = look(&scene, 5);
    sl_build_threads(scene.builder, 101, 9, 2, sl_build_stack(scene.builder, TIMER));
    (void) sl_build_thread(scene.builder, 201, 2, sl_build_stack(scene.builder, "app:a"));
    (void) sl_build_thread(scene.builder, 202, 2, sl_build_stack(scene.builder, "app:b"));
    sl_build_threads(scene.builder, 301, 3, 2, sl_build_stack(scene.builder, "app:c"));
    scene.input.torn_down = look(&scene, 6);
    analyse(&scene);

    const struct sl_finding *findings = scene.report.findings;
    cr_assert_eq(scene.report.n_findings, 4);
    cr_assert_eq(findings[0].group.count, 3);
    cr_assert_eq(findings[1].group.count, 1);
    cr_assert_eq(findings[2].group.count, 1);
    cr_assert_lt(strcmp(findings[1].group.fingerprint, findings[2].group.fingerprint), 0);
    cr_assert(findings[0].counted && findings[1].counted && findings[2].counted);
    cr_assert_not(findings[3].counted);
    cr_assert_eq(findings[3].group.count, 9);
    cr_assert_eq(scene.report.count, 5, "the sum over counted groups");
    cr_assert_eq(scene.report.resident, 9);
}

SL_TEST(leak_analyse, late_threads_are_carried_over_and_are_no_leaks)
{
    SCENE(scene);
    struct sl_late_thread late[] = {{.tid = 7, .name = "flusher", .delay_ns = 5000},
                                    {.tid = 8, .name = "monitor", .delay_ns = 9000}};
    scene.input.late = late;
    scene.input.n_late = 2;
    scene.input.settled = look(&scene, 5);
    analyse(&scene);
    late[1].tid = 0; /* the report has a copy */
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.late, 2);
    cr_assert_eq(scene.report.n_late_threads, 2);
    cr_assert_eq(scene.report.late_threads[1].tid, 8);
    cr_assert_eq(scene.report.late_threads[1].delay_ns, 9000);
}

/* One analysis, with an arena that has `room` bytes left in its block. */
struct attempt {
    const struct sl_leak_input *input;
    size_t room;
    uint32_t expected; /* leaks */
};

static enum sl_status analyse_once(void *user, struct sl_error *err)
{
    const struct attempt *attempt = user;
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    if (!arena || !sl_arena_alloc(arena, (size_t) 64 * 1024 - attempt->room))
        return sl_fail(err, SL_ENOMEM, "no memory for the arena");
    struct sl_leak_report report = {.count = 77};
    enum sl_status status = sl_leak_analyse(attempt->input, arena, &report, err);
    cr_assert_eq(report.count, status ? 77 : attempt->expected, "set on success only");
    return status;
}

SL_TEST(leak_analyse, a_failed_allocation_is_reported_and_nothing_is_returned)
{
    SCENE(scene);
    const struct sl_late_thread late = {.tid = 7};
    scene.input.late = &late;
    scene.input.n_late = 1;
    scene.input.settled = look(&scene, 5);
    sl_build_threads(scene.builder, 101, 300, 2, sl_build_stack(scene.builder, WORKER));
    for (int i = 0; i < 900; i++) { /* so many that the arena grows by several blocks */
        char frames[64];
        (void) snprintf(frames, sizeof frames, "app:f%d|app:worker", i);
        (void) sl_build_thread(scene.builder, 1000 + i, 2, sl_build_stack(scene.builder, frames));
    }
    struct attempt attempt = {.input = &scene.input, .expected = 1200};
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, analyse_once, &attempt), 10);
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_REST, analyse_once, &attempt), 10);
}

/* A block of the arena may end anywhere, so that each of its allocations is once the failing one.
 */
SL_TEST(leak_analyse, every_allocation_from_the_arena_may_fail)
{
    static const struct sl_leak_witness witnesses[] = {
        {.function = "queue_take", .text = "the pool"}, {.text = NULL}};
    SCENE(scene);
    scene.input.closed = look(&scene, 4);
    (void) sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    scene.input.settled = look(&scene, 5);
    (void) sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, WORKER));
    (void) sl_build_thread(scene.builder, 102, 2, sl_build_stack(scene.builder, TIMER));
    sl_build_thread(scene.builder, 103, 2, NULL)->wait.target = "pipe:[1]";
    scene.input.torn_down = scene.input.settled;

    for (int with_witness = 0; with_witness < 2; with_witness++) {
        scene.input.witnesses = with_witness ? witnesses : NULL;
        size_t before = sl_arena_used(scene.arena);
        analyse(&scene);
        size_t need = sl_arena_used(scene.arena) - before;
        for (size_t room = 0; room < need; room += 16) {
            struct attempt attempt = {.input = &scene.input, .room = room, .expected = 3};
            cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, analyse_once, &attempt), 0);
        }
    }
}

SL_TEST(leak_describe, every_thread_of_a_snapshot_is_in_a_group_without_a_verdict)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_snapshot *snapshot = sl_build_snapshot(builder, SL_NS_PER_S);
    (void) sl_build_thread(builder, 100, 1, sl_build_stack(builder, MAIN));
    sl_build_threads(builder, 101, 50, 2, sl_build_stack(builder, WORKER));
    (void) sl_build_thread(builder, 200, 2, NULL);

    const struct sl_finding *findings = NULL;
    size_t n = 0;
    struct sl_error err = {0};
    sl_assert_ok(sl_leak_describe(snapshot, NULL, arena, &findings, &n, &err), &err);
    cr_assert_eq(n, 3);
    cr_assert_eq(findings[0].group.count, 50);
    cr_assert_eq(findings[1].group.count + findings[2].group.count, 2);
    for (size_t i = 0; i < n; i++) {
        cr_assert_not(findings[i].counted);
        cr_assert_eq(findings[i].cause, SL_CAUSE_UNKNOWN);
    }
    cr_assert_str_eq(findings[0].evidence, "50 threads wait on a condition without a time-out");
}

SL_TEST(leak_describe, a_record_of_many_without_ids_counts_as_many_and_has_no_samples)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_snapshot *snapshot = sl_build_snapshot(builder, SL_NS_PER_S);
    struct sl_thread *record = sl_build_thread(builder, 0, 0, sl_build_stack(builder, WORKER));
    record->count = 5120;
    record->wait = (struct sl_wait){.kind = SL_WAIT_OTHER, .text = "chan receive"};

    const struct sl_finding *findings = NULL;
    size_t n = 0;
    struct sl_error err = {0};
    sl_assert_ok(sl_leak_describe(snapshot, NULL, arena, &findings, &n, &err), &err);
    cr_assert_eq(n, 1);
    cr_assert_eq(findings[0].group.count, 5120);
    cr_assert_eq(findings[0].group.n_ids, 0);
    cr_assert_str_eq(findings[0].evidence, "5120 threads wait in chan receive");
    cr_assert_null(sl_snapshot_find(snapshot, 0), "0 is nobody's id");
}
