/* SPDX-License-Identifier: Apache-2.0 */
#include "leak_scene.h"

#include <string.h>

#include "base/clock.h"
#include "sl_test.h"

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

void scene_release(struct scene *scene)
{
    sl_snapshot_builder_free(scene->builder);
    sl_arena_free(scene->arena);
}

struct scene scene_new(void)
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

void scene_begin_closed(struct scene *scene)
{
    scene->input.closed = sl_build_snapshot(scene->builder, 4 * SL_NS_PER_S);
}

void scene_begin_settled(struct scene *scene)
{
    scene->input.settled = sl_build_snapshot(scene->builder, 6 * SL_NS_PER_S);
}

void scene_begin_torn_down(struct scene *scene)
{
    scene->input.torn_down = sl_build_snapshot(scene->builder, 7 * SL_NS_PER_S);
}

struct sl_thread *scene_add_reader(struct scene *scene, pid_t tid)
{
    struct sl_thread *thread = sl_build_thread(scene->builder, tid, 2, scene->reader);
    thread->wait = (struct sl_wait){.kind = SL_WAIT_SOCKET,
                                    .syscall = "recvfrom",
                                    .socket = true,
                                    .target = "TCP 127.0.0.1:4222"};
    return thread;
}

void scene_park_workers(struct scene *scene, size_t n)
{
    scene_begin_closed(scene);
    sl_build_threads(scene->builder, 101, n, 2, scene->worker);
    scene_begin_settled(scene);
    sl_build_threads(scene->builder, 101, n, 2, scene->worker);
}

void scene_analyse(struct scene *scene)
{
    struct sl_error err = {0};
    sl_assert_ok(sl_leak_analyse(&scene->input, scene->arena, &scene->report, &err), &err);
    for (size_t i = 0; i < scene->report.n_findings && !scene->input.words; i++) {
        const char *evidence = scene->report.findings[i].evidence;
        cr_assert(!strstr(evidence, "Close") && !strstr(evidence, "the bus"), "%s", evidence);
    }
}

void scene_assert_group(const struct scene *scene, size_t at, uint32_t count, enum sl_cause cause,
                        const char *evidence)
{
    cr_assert_lt(at, scene->report.n_findings);
    const struct sl_finding *finding = &scene->report.findings[at];
    cr_assert_eq(finding->group.count, count, "group %zu has %u threads", at,
                 (unsigned) finding->group.count);
    cr_assert_eq(finding->cause, cause, "group %zu: %s", at, sl_cause_text(finding->cause));
    cr_assert_str_eq(finding->evidence, evidence);
}

void scene_assert_cause(struct scene *scene, uint32_t count, enum sl_cause cause,
                        const char *evidence)
{
    scene_analyse(scene);
    cr_assert_eq(scene->report.n_findings, 1, "%zu groups", scene->report.n_findings);
    scene_assert_group(scene, 0, count, cause, evidence);
}
