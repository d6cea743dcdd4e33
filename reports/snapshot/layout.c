/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/layout.h"

#include <ctype.h>

#include "json/layout_macros.h"
#include "reports/finding_layout.h"
#include "reports/report_layout.h"
#include "reports/snapshot/document.h"

static const struct sl_field wait_fields[] = {
    SCALAR(U32, struct sl_document_wait, count),
    SCALAR(NAME, struct sl_document_wait, text),
    OBJECT(struct sl_document_wait, "wait", wait, finding_layout_wait),
};
static const struct sl_object wait_object = {FIELDS(wait_fields), .one_line = true};

/* The fields of a group are found in what is printed of it. */
_Static_assert(offsetof(struct sl_document_group, group) == 0, "the group is first");

static const struct sl_field group_fields[] = {
    SCALAR(U32, struct sl_group, count),
    CHARS(struct sl_group, "fingerprint", fingerprint),
    SCALAR(TEXT, struct sl_group, function),
    OBJECT(struct sl_group, "wait", wait, finding_layout_wait),
    LIST(struct sl_document_group, "waits", waits, n_waits, wait_object),
    SCALAR(NAME, struct sl_document_group, states),
    NAMES(struct sl_document_group, "names", names, n_names),
    IDS(struct sl_group, "tids", ids, n_ids),
    SCALAR(BOOL, struct sl_group, complete),
    ENUM(struct sl_group, "grade", grade, finding_layout_grades),
    SCALAR(TEXT, struct sl_group, reason),
    LIST(struct sl_group, "frames", frames, n_frames, finding_layout_frame),
    LATE_OBJECT(struct sl_group, "proof", proof, finding_layout_proof),
};
static const struct sl_object group_object = {FIELDS(group_fields)};

/* Frames and waits with all that the analysis of a leak looks at. */
static const struct sl_field whole_frame_fields[] = {
    INLINE(finding_layout_frame),
    LATE(HEX, struct sl_frame, start),
};
static const struct sl_object whole_frame = {FIELDS(whole_frame_fields), .one_line = true};

static const struct sl_field whole_wait_fields[] = {
    INLINE(finding_layout_wait),
    LATE(BOOL, struct sl_wait, socket),
};
static const struct sl_object whole_wait = {FIELDS(whole_wait_fields), .one_line = true};

static const struct sl_field cost_fields[] = {
    SCALAR(BOOL, struct sl_stop_cost, stopped),
    SCALAR(BOOL, struct sl_stop_cost, known),
    SCALAR(U64, struct sl_stop_cost, switches),
    SCALAR(U64, struct sl_stop_cost, cpu_ns),
};
static const struct sl_object cost_object = {FIELDS(cost_fields), .one_line = true};

static const struct sl_field stack_fields[] = {
    LIST(struct sl_stack, "frames", frames, n_frames, finding_layout_frame),
};
static const struct sl_object stack_object = {FIELDS(stack_fields)};

static const struct sl_field ancestor_fields[] = {
    SCALAR(U64, struct sl_ancestor, id),
    POINTER(struct sl_ancestor, "stack", stack, stack_object),
};
static const struct sl_object ancestor_object = {FIELDS(ancestor_fields)};

static const struct sl_field goroutine_fields[] = {
    SCALAR(U32, struct sl_document_goroutine, count),
    SCALAR(TEXT, struct sl_document_goroutine, state),
    SCALAR(U64, struct sl_document_goroutine, waiting_ns),
    {KEYED(TEXT, struct sl_document_goroutine, "labels", own.labels)},
    {KEYED(BOOL, struct sl_document_goroutine, "locked", own.locked)},
    {KEYED(BOOL, struct sl_document_goroutine, "leaked", own.leaked)},
    {KEYED(U64, struct sl_document_goroutine, "thread", own.thread)},
    {KEYED(U64, struct sl_document_goroutine, "creator", own.creator)},
    POINTER(struct sl_document_goroutine, "created_by", created_by, finding_layout_frame),
    LIST(struct sl_document_goroutine, "ancestors", own.ancestors, own.n_ancestors,
         ancestor_object),
};

static bool is_no_goroutine(const void *object)
{
    return !((const struct sl_document_goroutine *) object)->count;
}
static const struct sl_object goroutine_object = {FIELDS(goroutine_fields),
                                                  .is_null = is_no_goroutine};

static const char *source_word(unsigned value)
{
    return sl_source_text((enum sl_source) value);
}
static const struct sl_words sources = {SL_SOURCE_DUMP + 1, source_word};

#define THREAD(kind, member)                                                                       \
    {                                                                                              \
        KEYED(kind, struct sl_document_thread, #member, thread.member)                             \
    }

static const struct sl_field thread_fields[] = {
    {KEYED(U64, struct sl_document_thread, "tid", thread.id)},
    CHARS(struct sl_document_thread, "name", thread.name),
    CHARS(struct sl_document_thread, "state", state),
    ENUM(struct sl_document_thread, "source", thread.source, sources),
    {KEYED(BOOL, struct sl_document_thread, "complete", stack.complete)},
    ENUM(struct sl_document_thread, "grade", stack.grade, finding_layout_grades),
    {KEYED(TEXT, struct sl_document_thread, "reason", stack.reason)},
    THREAD(BOOL, consistent),
    SCALAR(NAME, struct sl_document_thread, fingerprint),
    THREAD(U64, start_time),
    THREAD(U64, age_ns),
    THREAD(U64, cpu_ns),
    THREAD(U64, switches),
    {.key = "cost",
     .kind = SL_FIELD_OBJECT,
     .offset = offsetof(struct sl_document_thread, thread.cost),
     .object = &cost_object,
     .late = true},
    OBJECT(struct sl_document_thread, "wait", thread.wait, whole_wait),
    LIST(struct sl_document_thread, "frames", stack.frames, stack.n_frames, whole_frame),
    LATE_OBJECT(struct sl_document_thread, "goroutine", goroutine, goroutine_object),
    LATE_OBJECT(struct sl_document_thread, "proof", proof, finding_layout_proof),
};

static const char *check_thread(const void *object)
{
    const struct sl_document_thread *thread = object;
    const struct sl_stack *stack = &thread->stack;

    if (!isalpha((unsigned char) thread->state[0]) && thread->state[0] != '?')
        return "'state' has to be a letter";
    if (stack->complete && (stack->grade != SL_GRADE_COMPLETE || !stack->n_frames))
        return "'complete' contradicts 'grade' or 'frames'";
    if (!stack->complete && !stack->reason)
        return "'reason' does not say why it is not complete";
    return NULL;
}

static const struct sl_object thread_object = {FIELDS(thread_fields), .check = check_thread};

static const struct sl_field source_fields[] = {
    SCALAR(U32, struct sl_document_sources, none), SCALAR(U32, struct sl_document_sources, proc),
    SCALAR(U32, struct sl_document_sources, bpf),  SCALAR(U32, struct sl_document_sources, ptrace),
    SCALAR(U32, struct sl_document_sources, dump),
};
static const struct sl_object sources_object = {FIELDS(source_fields), .one_line = true};

static const struct sl_field unjoined_group_fields[] = {
    SCALAR(U32, struct sl_document_unjoined_group, count),
    OBJECT(struct sl_document_unjoined_group, "start", start, finding_layout_frame),
};
static const struct sl_object unjoined_group_object = {FIELDS(unjoined_group_fields),
                                                       .one_line = true};

static const struct sl_field unjoined_fields[] = {
    {KEYED(COUNT, struct sl_document_unjoined, "count", count),
     .other = offsetof(struct sl_document_unjoined, reason)},
    SCALAR(TEXT, struct sl_document_unjoined, reason),
    LIST(struct sl_document_unjoined, "groups", groups, n_groups, unjoined_group_object),
};
static const struct sl_object unjoined_object = {FIELDS(unjoined_fields)};

static const struct sl_field left_out_fields[] = {
    SCALAR(U32, struct sl_document_left_out, count),
    SCALAR(TEXT, struct sl_document_left_out, reason),
};
static const struct sl_object left_out_object = {FIELDS(left_out_fields), .one_line = true};

static const struct sl_field module_fields[] = {
    SCALAR(TEXT, struct sl_snapshot_module, path),
    SCALAR(TEXT, struct sl_snapshot_module, build_id),
    SCALAR(HEX, struct sl_snapshot_module, start),
    SCALAR(HEX, struct sl_snapshot_module, end),
    SCALAR(TEXT, struct sl_snapshot_module, not_looked_at),
};
static const struct sl_object module_object = {FIELDS(module_fields), .one_line = true};

static const char *kind_word(unsigned value)
{
    return value == SL_SNAPSHOT_GOROUTINES ? "goroutines" : "threads";
}
const struct sl_words layout_snapshot_kinds = {SL_SNAPSHOT_GOROUTINES + 1, kind_word};

static const struct sl_field dump_fields[] = {
    SCALAR(NAME, struct sl_dump, format),
    {KEYED(U64, struct sl_dump, "errors", n_errors)},
    SCALAR(TEXT, struct sl_dump, first_error),
    SCALAR(BOOL, struct sl_dump, more),
};

static bool is_no_dump(const void *object)
{
    return !((const struct sl_dump *) object)->format;
}
static const struct sl_object dump_object = {FIELDS(dump_fields), .is_null = is_no_dump};

static const struct sl_field witness_fields[] = {
    SCALAR(TEXT, struct sl_living_witness, function),
    SCALAR(U32, struct sl_living_witness, count),
    SCALAR(NAME, struct sl_living_witness, reason),
};
static const struct sl_object witness_object = {FIELDS(witness_fields), .one_line = true};

static const struct sl_field grouped_fields[] = {
    SCHEMA,
    {.key = "kind",
     .kind = SL_FIELD_WORD,
     .offset = offsetof(struct sl_document, kind),
     .words = &layout_snapshot_kinds,
     .late = true},
    LATE(TEXT, struct sl_document, runtime),
    LATE_OBJECT(struct sl_document, "dump", dump, dump_object),
    SCALAR(INT, struct sl_document, pid),
    SCALAR(TEXT, struct sl_document, command),
    SCALAR(U64, struct sl_document, ticks_per_second),
    OBJECT(struct sl_document, "stats", stats, report_layout_stats),
    OBJECT(struct sl_document, "sources", sources, sources_object),
    {.key = "wait_tree",
     .kind = SL_FIELD_OBJECT,
     .offset = offsetof(struct sl_document, wait_tree),
     .object = &finding_layout_waits,
     .late = true},
    LATE_LIST(struct sl_document, "witnesses", witnesses, n_witnesses, witness_object),
    LIST(struct sl_document, "groups", groups, n_groups, group_object),
    OBJECT(struct sl_document, "unjoined", unjoined, unjoined_object),
    {.key = "left_out",
     .kind = SL_FIELD_OBJECT,
     .offset = offsetof(struct sl_document, left_out),
     .object = &left_out_object,
     .late = true},
    LATE_LIST(struct sl_document, "modules", modules, n_modules, module_object),
    LATE_NAMES(struct sl_document, "proof_assumptions", proof_assumptions, n_proof_assumptions),
};
static const struct sl_object grouped_object = {FIELDS(grouped_fields)};

static const struct sl_field unjoined_thread_fields[] = {
    SCALAR(HEX, struct sl_unjoined, pthread),
    POINTER(struct sl_unjoined, "start", start, whole_frame),
};
static const struct sl_object unjoined_thread_object = {FIELDS(unjoined_thread_fields),
                                                        .one_line = true};

static const struct sl_field full_fields[] = {
    INLINE(grouped_object),
    LATE(U64, struct sl_document, taken_ns),
    LATE(BOOL, struct sl_document, counts_arrivals),
    LIST(struct sl_document, "threads", threads, n_threads, thread_object),
    LATE_LIST(struct sl_document, "unjoined_threads", unjoined_threads, n_unjoined_threads,
              unjoined_thread_object),
};

static const char *check_document(const void *object)
{
    const struct sl_document *document = object;
    const struct sl_document_thread *threads = document->threads;

    if (!document->ticks_per_second)
        return "'ticks_per_second' cannot be 0";
    for (size_t i = 1; i < document->n_threads; i++)
        if (threads[i - 1].thread.id > threads[i].thread.id ||
            (threads[i].thread.id && threads[i - 1].thread.id == threads[i].thread.id))
            return "the threads are not in the order of 'tid'";
    return NULL;
}

static const struct sl_object full_object = {FIELDS(full_fields), .check = check_document};

#define LAYOUT(object_)                                                                            \
    {                                                                                              \
        .schema = "strandline.snapshot", .major = 1, .what = "snapshot",                           \
        .root = PART(NULL, object_)                                                                \
    }
const struct sl_layout layout_grouped = LAYOUT(grouped_object);
const struct sl_layout layout_full = LAYOUT(full_object);
