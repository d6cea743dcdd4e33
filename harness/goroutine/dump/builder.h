/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of all formats put together: records, and at the end a snapshot of them. */
#ifndef SL_GOROUTINE_DUMP_BUILDER_H
#define SL_GOROUTINE_DUMP_BUILDER_H

#include "harness/goroutine/dump/input.h"
#include "harness/goroutine/dump/intern.h"

/* A goroutine, or so many alike; what a dump tells of it and no more. */
struct dump_record {
    uint64_t id; /* 0: not told */
    const struct sl_stack *stack;
    const char *reason;                   /* why there is none */
    const struct sl_stack *created_by;    /* or NULL */
    const char *state;                    /* interned, or NULL */
    const char *name;                     /* of a thread, or NULL */
    const struct sl_goroutine *goroutine; /* of builder_goroutine(), or NULL: of a thread */
    uint32_t count, minutes;
};

struct dump_chunk;
struct dump_ids;

struct dump_builder {
    struct sl_arena *arena;   /* becomes the snapshot's */
    struct sl_arena *scratch; /* ends with the builder */
    struct intern intern;
    struct intern_table alike; /* records without an id, by what makes them alike */
    struct intern_table ids;   /* those that were there, neighbours together */
    struct dump_ids *last_ids; /* where the last one was */
    const struct sl_goroutine *last_goroutine;
    struct dump_chunk *first, *last; /* of records */
    size_t n_records;
    uint64_t n_goroutines; /* of all records */

    struct sl_frame *frames; /* of the stack that is being read */
    size_t n_frames, capacity;
    char *text; /* that is being put together */
    size_t text_capacity;

    bool tells_elided; /* the runtime says when it leaves frames out */
    const char *unit;  /* of places: "line" */
    uint64_t n_errors;
    const char *first_error;
    bool out_of_memory, over_limit;
    uint64_t max_memory, memory_left; /* that the arenas may take */
};

/* @return false when memory is short; release it then, too */
bool builder_init(struct dump_builder *builder, uint64_t max_memory);
void builder_release(struct dump_builder *builder);

/* Note a place that was skipped; the first one is described. */
void builder_skip(struct dump_builder *builder, uint64_t place, const char *format, ...)
    SL_PRINTF(3, 4);

/* A text that lasts, or "" when memory is short, which the builder notes. */
const char *builder_text(struct dump_builder *builder, const char *text, size_t size);

/* A function as tracebacks name it: without the escapes that package paths have. */
const char *builder_function(struct dump_builder *builder, const char *text, size_t size);

/* "FILE:LINE" into the frame.  @return false when it is none */
bool builder_place(struct dump_builder *builder, const char *text, size_t size,
                   struct sl_frame *frame);

/* Add a frame to the stack that is being read. */
void builder_frame(struct dump_builder *builder, const struct sl_frame *frame);

/*
 * The stack of the frames so far, of which those of the runtime are hidden; the next one begins.
 *
 * @param reason  static or of builder_text(); NULL: it is complete
 * @return NULL without a frame, or when memory is short
 */
const struct sl_stack *builder_stack(struct dump_builder *builder, const char *reason);

/* A stack of the one call that started a goroutine. */
const struct sl_stack *
builder_created_by(struct dump_builder *builder, const struct sl_frame *frame);

/* A copy that lasts; where the one before is equal, that one.  NULL: memory is short. */
const struct sl_goroutine *
builder_goroutine(struct dump_builder *builder, const struct sl_goroutine *goroutine);

enum dump_added {
    DUMP_ADDED,
    DUMP_KNOWN /* a goroutine of this id was there before: another dump begins */
};

/* Add a record; one without an id to one that is alike. */
enum dump_added
builder_add(struct dump_builder *builder, uint64_t line, const struct dump_record *record);

/* @return SL_OK, SL_ENOMEM or SL_ELIMIT */
SL_CHECKED enum sl_status builder_status(const struct dump_builder *builder, struct sl_error *err);

/*
 * The snapshot; the builder has none afterwards.
 *
 * @param more  whether another dump follows in the file
 */
SL_CHECKED enum sl_status builder_finish(struct dump_builder *builder, enum sl_snapshot_kind kind,
                                         const char *format, bool more,
                                         struct sl_snapshot **ret_snapshot, struct sl_error *err);

#endif
