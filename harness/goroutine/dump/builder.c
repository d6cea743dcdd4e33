/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/builder.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "harness/goroutine/dump/scan.h"
#include "harness/goroutine/state.h"

#define RECORDS_PER_CHUNK 512
#define NEIGHBOURS        64
#define MAX_FRAMES        65536 /* of one stack */
#define MAX_NAME          4096  /* of a function with escapes */
#define MINUTE_NS         (60 * SL_NS_PER_S)

struct dump_chunk {
    struct dump_chunk *next;
    size_t n;
    struct dump_record records[RECORDS_PER_CHUNK];
};

static bool may_take(void *context, size_t size)
{
    struct dump_builder *builder = context;

    builder->over_limit |= size > builder->memory_left;
    if (builder->over_limit)
        return false;
    builder->memory_left -= size;
    return true;
}

bool builder_init(struct dump_builder *builder, uint64_t max_memory)
{
    *builder = (struct dump_builder){.arena = sl_arena_new(),
                                     .scratch = sl_arena_new(),
                                     .unit = "line",
                                     .max_memory = max_memory,
                                     .memory_left = max_memory};
    if (!builder->arena || !builder->scratch)
        return false;
    sl_arena_ask(builder->arena, may_take, builder);
    sl_arena_ask(builder->scratch, may_take, builder);
    intern_init(&builder->intern, builder->arena);
    return true;
}

void builder_release(struct dump_builder *builder)
{
    intern_release(&builder->intern);
    free(builder->known.slots);
    free(builder->frames);
    free(builder->text);
    sl_arena_free(builder->scratch);
    sl_arena_free(builder->arena);
}

void builder_skip(struct dump_builder *builder, uint64_t place, const char *format, ...)
{
    char what[256];
    va_list args;

    if (builder->n_errors++)
        return;
    va_start(args, format);
    (void) vsnprintf(what, sizeof what, format, args);
    va_end(args);
    builder->first_error =
        sl_arena_printf(builder->arena, "%s %" PRIu64 ": %s", builder->unit, place, what);
}

const char *builder_text(struct dump_builder *builder, const char *text, size_t size)
{
    const char *kept = intern_text(&builder->intern, text, size);

    builder->out_of_memory |= !kept;
    return kept ? kept : "";
}

const char *builder_function(struct dump_builder *builder, const char *text, size_t size)
{
    char name[MAX_NAME];

    if (size > sizeof name)
        return builder_text(builder, text, size);
    return builder_text(builder, name, goroutine_function_name(name, text, size));
}

bool builder_place(struct dump_builder *builder, const char *text, size_t size,
                   struct sl_frame *frame)
{
    const char *colon = size ? memrchr(text, ':', size) : NULL;
    struct dump_scan scan = {colon ? colon + 1 : text, text + size};
    uint64_t line;

    if (!colon || colon == text || !scan_number(&scan, 10, &line) || scan.at < scan.end ||
        line > UINT32_MAX)
        return false;
    frame->file = builder_text(builder, text, (size_t) (colon - text));
    frame->line = (uint32_t) line;
    return true;
}

void builder_frame(struct dump_builder *builder, const struct sl_frame *frame)
{
    if (builder->n_frames == MAX_FRAMES)
        return;
    if (!sl_grow(&builder->frames, &builder->capacity, builder->n_frames + 1))
        builder->out_of_memory = true;
    else
        builder->frames[builder->n_frames++] = *frame;
}

const struct sl_stack *builder_stack(struct dump_builder *builder, const char *reason)
{
    size_t n = builder->n_frames;

    builder->n_frames = 0;
    if (!n)
        return NULL;
    if (n == MAX_FRAMES)
        reason = "the dump has more frames of it than are read";
    n = goroutine_keep_shown(builder->frames, n);
    const struct sl_stack *stack = intern_stack(&builder->intern, builder->frames, n, reason);
    builder->out_of_memory |= !stack;
    return stack;
}

const struct sl_stack *
builder_created_by(struct dump_builder *builder, const struct sl_frame *frame)
{
    const struct sl_stack *stack = intern_stack(&builder->intern, frame, 1, goroutine_only_call);

    builder->out_of_memory |= !stack;
    return stack;
}

static bool is_alike(const struct dump_record *a, const struct dump_record *b)
{
    if (a->id || b->id)
        return a->id == b->id;
    return a->stack == b->stack && a->goroutine.labels == b->goroutine.labels;
}

static uint64_t hash_record(const struct dump_builder *builder, const struct dump_record *record)
{
    const uintptr_t alike[] = {(uintptr_t) record->stack, (uintptr_t) record->goroutine.labels};
    const uint64_t neighbours = record->id / NEIGHBOURS;

    if (!record->id)
        return intern_hash(&builder->intern, alike, sizeof alike);
    /* Ids come nearly in their order; those of neighbours lie together in memory. */
    return intern_hash(&builder->intern, &neighbours, sizeof neighbours) / NEIGHBOURS * NEIGHBOURS +
           record->id % NEIGHBOURS;
}

/* Room for one more, all zero; NULL: memory is short. */
static struct dump_record *new_record(struct dump_builder *builder)
{
    struct dump_chunk *last = builder->last;

    if (!last || last->n == RECORDS_PER_CHUNK) {
        struct dump_chunk *chunk = sl_arena_alloc(builder->scratch, sizeof *chunk);
        if (!chunk)
            return NULL;
        *(last ? &last->next : &builder->first) = chunk;
        builder->last = last = chunk;
    }
    builder->n_records++;
    return &last->records[last->n++];
}

enum dump_added
builder_add(struct dump_builder *builder, uint64_t line, const struct dump_record *record)
{
    const uint64_t hash = hash_record(builder, record);
    struct intern_slot *slot;

    if (builder->n_goroutines + record->count > UINT32_MAX) {
        builder_skip(builder, line, "more than %" PRIu32 " goroutines", UINT32_MAX);
        return DUMP_ADDED;
    }
    if (!intern_reserve(&builder->known)) {
        builder->out_of_memory = true;
        return DUMP_ADDED;
    }
    for (size_t at = 0; (slot = intern_probe(&builder->known, hash, &at))->item;) {
        struct dump_record *same = slot->item;
        if (!is_alike(same, record))
            continue;
        if (record->id)
            return DUMP_KNOWN;
        same->count += record->count;
        builder->n_goroutines += record->count;
        return DUMP_ADDED;
    }
    struct dump_record *added = new_record(builder);
    if (!added) {
        builder->out_of_memory = true;
        return DUMP_ADDED;
    }
    *added = *record;
    *slot = (struct intern_slot){hash, added};
    builder->known.n++;
    builder->n_goroutines += record->count;
    return DUMP_ADDED;
}

enum sl_status builder_status(const struct dump_builder *builder, struct sl_error *err)
{
    if (builder->over_limit)
        return sl_fail(err, SL_ELIMIT, "it needs more memory than %" PRIu64 " bytes",
                       builder->max_memory);
    return builder->out_of_memory ? sl_fail(err, SL_ENOMEM, "out of memory for goroutines") : SL_OK;
}

static int compare_records(const void *left, const void *right)
{
    const struct dump_record *a = *(const struct dump_record *const *) left;
    const struct dump_record *b = *(const struct dump_record *const *) right;
    return (a->id > b->id) - (a->id < b->id);
}

/* By id; those without one as they came. */
static const struct dump_record **sort_records(struct dump_builder *builder)
{
    const struct dump_record **records =
        sl_arena_array(builder->scratch, builder->n_records, sizeof *records);
    bool sorted = true;
    size_t n = 0;

    if (!records)
        return NULL;
    for (const struct dump_chunk *chunk = builder->first; chunk; chunk = chunk->next)
        for (size_t i = 0; i < chunk->n; i++) {
            records[n] = &chunk->records[i];
            sorted &= n == 0 || records[n - 1]->id <= records[n]->id;
            n++;
        }
    if (!sorted)
        qsort(records, n, sizeof(const struct dump_record *), compare_records);
    return records;
}

static bool same_goroutine(const struct sl_goroutine *a, const struct sl_goroutine *b)
{
    return a->labels == b->labels && a->creator == b->creator && a->thread == b->thread &&
           a->locked == b->locked && a->leaked == b->leaked && a->ancestors == b->ancestors;
}

static struct sl_thread thread_of(const struct dump_record *record)
{
    return (struct sl_thread){
        .id = record->id,
        .count = record->count,
        .consistent = true,
        .source = SL_SOURCE_DUMP,
        .stack = record->stack,
        .reason = record->reason,
        .created_by = record->created_by,
        .wait = {.kind = record->state ? goroutine_wait_kind(record->state) : SL_WAIT_NONE,
                 .syscall_nr = -1,
                 .text = record->state,
                 .age_ns = record->minutes * MINUTE_NS},
        .goroutine = &record->goroutine,
    };
}

/* The threads.  What only goroutines have is kept once for neighbours that agree in it. */
static struct sl_thread *make_threads(struct dump_builder *builder, enum sl_snapshot_kind kind)
{
    const struct dump_record **records = sort_records(builder);
    struct sl_thread *threads = sl_arena_array(builder->arena, builder->n_records, sizeof *threads);
    const struct sl_goroutine *last = NULL;

    if (!records || !threads)
        return NULL;
    for (size_t i = 0; i < builder->n_records; i++) {
        threads[i] = thread_of(records[i]);
        memcpy(threads[i].name, records[i]->name, sizeof threads[i].name);
        if (kind == SL_SNAPSHOT_THREADS) {
            threads[i].goroutine = NULL;
            continue;
        }
        if (!last || !same_goroutine(last, threads[i].goroutine)) {
            struct sl_goroutine *copy = sl_arena_alloc(builder->arena, sizeof *copy);
            if (!copy)
                return NULL;
            *copy = *threads[i].goroutine;
            last = copy;
        }
        threads[i].goroutine = last;
    }
    return threads;
}

enum sl_status builder_finish(struct dump_builder *builder, enum sl_snapshot_kind kind,
                              const char *format, bool more, struct sl_snapshot **ret_snapshot,
                              struct sl_error *err)
{
    struct sl_snapshot *snapshot = sl_arena_alloc(builder->arena, sizeof *snapshot);
    struct sl_dump *dump = sl_arena_alloc(builder->arena, sizeof *dump);
    struct sl_thread *threads = make_threads(builder, kind);

    builder->out_of_memory |= !snapshot || !dump || !threads;
    enum sl_status status = builder_status(builder, err);
    if (status)
        return status;
    *dump = (struct sl_dump){.format = format,
                             .n_errors = builder->n_errors,
                             .first_error = builder->first_error,
                             .more = more};
    *snapshot = (struct sl_snapshot){
        .kind = kind,
        .dump = dump,
        .ticks_per_second = SL_NS_PER_S,
        .threads = threads,
        .n_threads = builder->n_records,
        .stats = {.threads = (uint32_t) builder->n_goroutines},
    };
    sl_arena_ask(builder->arena, NULL, NULL);
    snapshot->arena = SL_TAKE(builder->arena);
    *ret_snapshot = snapshot;
    return SL_OK;
}
