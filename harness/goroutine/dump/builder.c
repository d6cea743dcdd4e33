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
#define IDS_PER_RANGE     512
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
    free(builder->alike.slots);
    free(builder->ids.slots);
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

/* A bit for each id of a range: they come nearly in their order, and nearly all of them. */
struct dump_ids {
    uint64_t range;
    uint64_t bits[IDS_PER_RANGE / 64];
};

/* The range in which the id is; NULL: memory is short. */
static struct dump_ids *find_range(struct dump_builder *builder, uint64_t range)
{
    const uint64_t hash = intern_hash(&builder->intern, &range, sizeof range);
    struct intern_slot *slot;

    if (builder->last_ids && builder->last_ids->range == range)
        return builder->last_ids;
    if (!intern_reserve(&builder->ids))
        return NULL;
    for (size_t at = 0; (slot = intern_probe(&builder->ids, hash, &at))->item;) {
        struct dump_ids *ids = slot->item;
        if (ids->range == range)
            return builder->last_ids = ids;
    }
    struct dump_ids *made = sl_arena_alloc(builder->scratch, sizeof *made);
    if (!made)
        return NULL;
    made->range = range;
    *slot = (struct intern_slot){hash, made};
    builder->ids.n++;
    return builder->last_ids = made;
}

/* Note the id.  @return whether it is a new one; true, too, when memory is short */
static bool is_new(struct dump_builder *builder, uint64_t id)
{
    struct dump_ids *ids = find_range(builder, id / IDS_PER_RANGE);
    const uint64_t bit = UINT64_C(1) << id % 64;

    if (!ids) {
        builder->out_of_memory = true;
        return true;
    }
    uint64_t *bits = &ids->bits[id % IDS_PER_RANGE / 64];
    bool known = *bits & bit;
    *bits |= bit;
    return !known;
}

/*
 * The slot of the record that one without an id is to be added to; else a free one for it.
 *
 * @return NULL when memory is short
 */
static struct intern_slot *
find_alike(struct dump_builder *builder, const struct dump_record *record)
{
    const char *labels = record->goroutine ? record->goroutine->labels : NULL;
    const uintptr_t key[] = {(uintptr_t) record->stack, (uintptr_t) labels};
    const uint64_t hash = intern_hash(&builder->intern, key, sizeof key);

    if (!intern_reserve(&builder->alike))
        return NULL;
    for (size_t at = 0;;) {
        struct intern_slot *slot = intern_probe(&builder->alike, hash, &at);
        const struct dump_record *other = slot->item;
        const char *labels_there = other && other->goroutine ? other->goroutine->labels : NULL;
        if (other && (other->stack != record->stack || labels_there != labels))
            continue;
        slot->hash = hash;
        return slot;
    }
}

/* @return false when memory is short */
static bool add(struct dump_builder *builder, const struct dump_record *record)
{
    struct intern_slot *slot = record->id ? NULL : find_alike(builder, record);

    if (!slot && !record->id)
        return false;
    if (slot && slot->item) {
        ((struct dump_record *) slot->item)->count += record->count;
        return true;
    }
    struct dump_record *added = new_record(builder);
    if (!added)
        return false;
    *added = *record;
    if (slot) {
        slot->item = added;
        builder->alike.n++;
    }
    return true;
}

enum dump_added
builder_add(struct dump_builder *builder, uint64_t place, const struct dump_record *record)
{
    if (builder->n_goroutines + record->count > UINT32_MAX) {
        builder_skip(builder, place, "more than %" PRIu32 " goroutines", UINT32_MAX);
        return DUMP_ADDED;
    }
    if (record->id && !is_new(builder, record->id))
        return DUMP_KNOWN;
    builder->n_goroutines += record->count;
    builder->out_of_memory |= !add(builder, record);
    return DUMP_ADDED;
}

static bool same_goroutine(const struct sl_goroutine *a, const struct sl_goroutine *b)
{
    return a->labels == b->labels && a->creator == b->creator && a->thread == b->thread &&
           a->locked == b->locked && a->leaked == b->leaked && a->ancestors == b->ancestors;
}

const struct sl_goroutine *
builder_goroutine(struct dump_builder *builder, const struct sl_goroutine *goroutine)
{
    const struct sl_goroutine *last = builder->last_goroutine;

    if (last && same_goroutine(last, goroutine))
        return last;
    struct sl_goroutine *copy = sl_arena_alloc(builder->arena, sizeof *copy);
    builder->out_of_memory |= !copy;
    if (copy)
        *copy = *goroutine;
    return builder->last_goroutine = copy;
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

static void fill_thread(const struct dump_record *record, struct sl_thread *thread)
{
    *thread = (struct sl_thread){
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
        .goroutine = record->goroutine,
    };
    if (record->name)
        (void) snprintf(thread->name, sizeof thread->name, "%s", record->name);
}

static struct sl_thread *make_threads(struct dump_builder *builder)
{
    const struct dump_record **records = sort_records(builder);
    struct sl_thread *threads = sl_arena_array(builder->arena, builder->n_records, sizeof *threads);

    if (!records || !threads)
        return NULL;
    for (size_t i = 0; i < builder->n_records; i++)
        fill_thread(records[i], &threads[i]);
    return threads;
}

enum sl_status builder_finish(struct dump_builder *builder, enum sl_snapshot_kind kind,
                              const char *format, bool more, struct sl_snapshot **ret_snapshot,
                              struct sl_error *err)
{
    struct sl_snapshot *snapshot = sl_arena_alloc(builder->arena, sizeof *snapshot);
    struct sl_dump *dump = sl_arena_alloc(builder->arena, sizeof *dump);
    struct sl_thread *threads = make_threads(builder);

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
