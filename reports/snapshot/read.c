/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "json/layout_read.h"
#include "reports/snapshot/document.h"
#include "reports/snapshot/layout.h"

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : ORDER(a != NULL, b != NULL);
}

static int compare_frames(const struct sl_frame *a, const struct sl_frame *b)
{
    const int orders[] = {
        ORDER(a->address, b->address),
        ORDER(a->offset, b->offset),
        ORDER(a->start, b->start),
        ORDER(a->region, b->region),
        ORDER(a->line, b->line),
        ORDER(a->inlined, b->inlined),
        ORDER(a->by_frame_pointers, b->by_frame_pointers),
        compare_texts(a->function, b->function),
        compare_texts(a->file, b->file),
        compare_texts(a->module, b->module),
        compare_texts(a->build_id, b->build_id),
    };
    for (size_t i = 0; i < SL_COUNT_OF(orders); i++)
        if (orders[i])
            return orders[i];
    return 0;
}

static int compare_stacks(const void *left, const void *right)
{
    const struct sl_stack *a = &(*(const struct sl_document_thread *const *) left)->stack;
    const struct sl_stack *b = &(*(const struct sl_document_thread *const *) right)->stack;
    int order = ORDER(a->n_frames, b->n_frames);

    for (size_t i = 0; i < a->n_frames && !order; i++)
        order = compare_frames(&a->frames[i], &b->frames[i]);
    if (!order)
        order = ORDER(a->complete, b->complete);
    if (!order)
        order = ORDER(a->grade, b->grade);
    return order ? order : compare_texts(a->reason, b->reason);
}

/* Threads with equal stacks share one. */
static bool share_stacks(const struct sl_document *document, struct sl_thread *threads)
{
    size_t n = document->n_threads;
    SL_AUTO_FREE const struct sl_document_thread **sorted =
        calloc(n + 1, sizeof(const struct sl_document_thread *));
    const struct sl_stack *stack = NULL;

    if (!sorted)
        return false;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &document->threads[i];
    qsort(sorted, n, sizeof *sorted, compare_stacks);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare_stacks(&sorted[i - 1], &sorted[i]) != 0)
            stack = &sorted[i]->stack;
        struct sl_thread *thread = &threads[sorted[i] - document->threads];
        if (stack->n_frames)
            thread->stack = stack;
        else
            thread->reason = stack->reason;
    }
    return true;
}

static struct sl_snapshot *build(const struct sl_document *document, struct sl_arena *arena)
{
    size_t n = document->n_threads;
    struct sl_snapshot *snapshot = sl_arena_alloc(arena, sizeof *snapshot);
    struct sl_thread *threads = sl_arena_array(arena, n, sizeof *threads);

    if (!snapshot || !threads)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct sl_document_thread *from = &document->threads[i];
        threads[i] = from->thread;
        threads[i].count = 1;
        threads[i].state = from->state[0] == '?' ? '\0' : from->state[0];
    }
    if (!share_stacks(document, threads))
        return NULL;
    *snapshot = (struct sl_snapshot){
        .kind = document->kind,
        .dump = document->dump.format ? &document->dump : NULL,
        .runtime = document->runtime,
        .pid = document->pid,
        .taken_ns = document->taken_ns,
        .ticks_per_second = document->ticks_per_second,
        .counts_arrivals = document->counts_arrivals,
        .threads = threads,
        .n_threads = n,
        .unjoined = document->unjoined_threads,
        .n_unjoined = document->n_unjoined_threads,
        .unjoined_missing = document->unjoined.reason,
        .n_left_out = document->left_out.count,
        .left_out_reason = document->left_out.reason,
        .modules = document->modules,
        .n_modules = document->n_modules,
        .stats = document->stats,
    };
    return snapshot;
}

enum sl_status sl_snapshot_parse(const char *name, const char *data, size_t size,
                                 struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    const struct sl_locate_text text = {.data = data, .size = size};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_document *document = arena ? sl_arena_alloc(arena, sizeof *document) : NULL;

    if (!document)
        return sl_fail(err, SL_ENOMEM, "out of memory for '%s'", name);
    enum sl_status status = sl_layout_read(&layout_full, name, &text, arena, document, err);
    if (status)
        return status;
    struct sl_snapshot *snapshot = build(document, arena);
    if (!snapshot)
        return sl_fail(err, SL_ENOMEM, "out of memory for '%s'", name);
    snapshot->arena = SL_TAKE(arena);
    *ret_snapshot = snapshot;
    return SL_OK;
}

enum sl_status sl_snapshot_parse_groups(const char *name, const char *data, size_t size,
                                        struct sl_arena *arena, struct sl_diff_side *ret_side,
                                        struct sl_error *err)
{
    const struct sl_locate_text text = {.data = data, .size = size};
    struct sl_document *document = sl_arena_alloc(arena, sizeof *document);

    if (!document)
        return sl_fail(err, SL_ENOMEM, "out of memory for '%s'", name);
    enum sl_status status = sl_layout_read(&layout_grouped, name, &text, arena, document, err);
    if (status)
        return status;
    struct sl_group *groups = sl_arena_array(arena, document->n_groups, sizeof *groups);
    if (!groups)
        return sl_fail(err, SL_ENOMEM, "out of memory for '%s'", name);
    struct sl_diff_side side = {.kind = document->kind,
                                .what = document->dump.format ? document->dump.format
                                                              : document->command,
                                .pid = document->pid,
                                .groups = groups,
                                .n_groups = document->n_groups,
                                .n_left_out = document->left_out.count,
                                .n_errors = document->dump.n_errors,
                                .more = document->dump.more};
    for (size_t i = 0; i < side.n_groups; i++) {
        groups[i] = document->groups[i].group;
        side.n_threads += groups[i].count;
    }
    *ret_side = side;
    return SL_OK;
}
