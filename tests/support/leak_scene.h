/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene for tests of the leak analysis: looks at one process, and what the
 * analysis makes of them.
 */
#ifndef SL_LEAK_SCENE_H
#define SL_LEAK_SCENE_H

#include "harness/leak/leak.h"
#include "snapshot_builder.h"

/*
 * `start` is empty, `closed` at 4 s, `settled` at 6 s, `torn_down` at 7 s.  Threads are
 * added to the look that was begun last, with tids from 101 on.
 */
struct scene {
    struct sl_snapshot_builder *builder;
    struct sl_arena *arena;
    const struct sl_stack *worker, *timer, *reader;
    struct sl_leak_input input;
    struct sl_leak_report report;
};

struct scene scene_new(void);
void scene_release(struct scene *scene);

#define SCENE(name) SL_CLEANUP(scene_release) struct scene name = scene_new()

void scene_begin_closed(struct scene *scene);
void scene_begin_settled(struct scene *scene);
void scene_begin_torn_down(struct scene *scene);

/* The client's read loop: in libnats, waiting on a socket.  Valid until the next thread. */
struct sl_thread *scene_add_reader(struct scene *scene, pid_t tid);

/* n threads that wait untimed on a condition in both looks, and did not run in between. */
void scene_park_workers(struct scene *scene, size_t n);

/* Without words of its own no sentence of the scene names Close or a bus. */
void scene_analyse(struct scene *scene);
void scene_assert_group(const struct scene *scene, size_t at, uint32_t count, enum sl_cause cause,
                        const char *evidence);

/* Analyse, and expect one group. */
void scene_assert_cause(struct scene *scene, uint32_t count, enum sl_cause cause,
                        const char *evidence);

#endif
