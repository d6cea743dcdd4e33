/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_builder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"

#define SNAPSHOTS_MAX 8
#define TICKS         100 /* a second */
#define SEEN_NS       (12 * SL_NS_PER_S)

struct sl_snapshot_builder {
    struct sl_arena *arena;
    struct sl_snapshot *snapshots[SNAPSHOTS_MAX];
    struct sl_thread *threads[SNAPSHOTS_MAX];
    size_t n_snapshots;
    size_t capacity;   /* of the last snapshot's threads */
    uint64_t n_frames; /* so far, for addresses that differ */
};

struct sl_snapshot_builder *sl_snapshot_builder_new(void)
{
    struct sl_snapshot_builder *builder = calloc(1, sizeof *builder);
    cr_assert(builder);
    builder->arena = sl_arena_new();
    cr_assert(builder->arena);
    return builder;
}

void sl_snapshot_builder_free(struct sl_snapshot_builder *builder)
{
    for (size_t i = 0; i < builder->n_snapshots; i++)
        free(builder->threads[i]);
    sl_arena_free(builder->arena);
    free(builder);
}

static const char *copy(struct sl_snapshot_builder *builder, const char *text, size_t size)
{
    if (!size)
        return NULL;
    const char *result = sl_arena_printf(builder->arena, "%.*s", (int) size, text);
    cr_assert(result);
    return result;
}

static void build_frame(struct sl_snapshot_builder *builder, const char *text, size_t size,
                        struct sl_frame *frame)
{
    frame->inlined = *text == '+';
    text += frame->inlined;
    size -= frame->inlined;
    const char *colon = memchr(text, ':', size);
    cr_assert(colon, "frame '%s' lacks a colon", text);
    size_t module_size = (size_t) (colon - text);
    const char *at = memchr(text, '@', module_size);
    builder->n_frames++;
    frame->offset = at ? strtoull(at + 1, NULL, 16) : 0;
    frame->module = copy(builder, text, at ? (size_t) (at - text) : module_size);
    frame->region = at == text;
    frame->function = copy(builder, colon + 1, size - module_size - 1);
    frame->file =
        sl_arena_printf(builder->arena, "src/file%llu.c", (unsigned long long) builder->n_frames);
    frame->line = (uint32_t) builder->n_frames;
    frame->address = UINT64_C(0x400000) + builder->n_frames;
}

struct sl_stack *sl_build_stack(struct sl_snapshot_builder *builder, const char *frames)
{
    size_t n = *frames ? 1 : 0;
    for (const char *at = frames; *at; at++)
        n += *at == '|';
    struct sl_stack *stack = sl_arena_alloc(builder->arena, sizeof *stack);
    struct sl_frame *array = sl_arena_array(builder->arena, n, sizeof *array);
    cr_assert(stack && array);
    for (size_t i = 0; i < n; i++) {
        size_t size = strcspn(frames, "|");
        build_frame(builder, frames, size, &array[i]);
        frames += size + 1;
    }
    *stack = (struct sl_stack){
        .frames = array, .n_frames = n, .complete = true, .grade = SL_GRADE_COMPLETE};
    return stack;
}

struct sl_stack *
sl_build_partial(struct sl_snapshot_builder *builder, const char *frames, const char *reason)
{
    struct sl_stack *stack = sl_build_stack(builder, frames);
    stack->complete = false;
    stack->grade = SL_GRADE_PARTIAL;
    stack->reason = reason;
    return stack;
}

struct sl_snapshot *sl_build_snapshot(struct sl_snapshot_builder *builder, uint64_t taken_ns)
{
    cr_assert_lt(builder->n_snapshots, SNAPSHOTS_MAX);
    struct sl_snapshot *snapshot = sl_arena_alloc(builder->arena, sizeof *snapshot);
    cr_assert(snapshot);
    *snapshot = (struct sl_snapshot){.taken_ns = taken_ns, .ticks_per_second = TICKS};
    builder->snapshots[builder->n_snapshots++] = snapshot;
    builder->capacity = 0;
    return snapshot;
}

struct sl_thread *sl_build_thread(struct sl_snapshot_builder *builder, pid_t tid,
                                  uint64_t start_time, const struct sl_stack *stack)
{
    size_t last = builder->n_snapshots - 1;
    struct sl_snapshot *snapshot = builder->snapshots[last];
    struct sl_thread **threads = &builder->threads[last];

    cr_assert(sl_grow(threads, &builder->capacity, snapshot->n_threads + 1));
    cr_assert(!snapshot->n_threads || (*threads)[snapshot->n_threads - 1].id < (uint64_t) tid);
    struct sl_thread *thread = &(*threads)[snapshot->n_threads++];
    *thread = (struct sl_thread){
        .id = (uint64_t) tid,
        .count = 1,
        .start_time = start_time,
        .age_ns = SEEN_NS - start_time * SL_NS_PER_S / TICKS,
        .state = 'S',
        .consistent = true,
        .source = SL_SOURCE_PROC,
        .stack = stack,
        .reason = stack ? NULL : "thread was on a CPU",
        .wait = {.kind = SL_WAIT_CONDITION, .syscall_nr = 202, .syscall = "futex"},
        .switches = 10,
    };
    (void) snprintf(thread->name, sizeof thread->name, "pool-%u", (unsigned) tid);
    snapshot->threads = *threads;
    return thread;
}

void sl_build_threads(struct sl_snapshot_builder *builder, pid_t first, size_t n,
                      uint64_t start_time, const struct sl_stack *stack)
{
    for (size_t i = 0; i < n; i++)
        (void) sl_build_thread(builder, first + (pid_t) i, start_time, stack);
}
