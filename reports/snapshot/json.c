/* SPDX-License-Identifier: Apache-2.0 */
/* strandline.snapshot/1: the shape of the file, and its writer. */
#include "base/fail.h"
#include "reports/report_layout.h"
#include "reports/snapshot/document.h"
#include "reports/snapshot/listing.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"

static const struct sl_field wait_fields[] = {
    SCALAR(U32, struct sl_document_wait, count),
    SCALAR(NAME, struct sl_document_wait, text),
    OBJECT(struct sl_document_wait, wait, report_layout_wait),
};
static const struct sl_object wait_object = {FIELDS(wait_fields), .one_line = true};

/* The fields of a group are found in what is printed of it. */
_Static_assert(offsetof(struct sl_document_group, group) == 0, "the group is first");

static const struct sl_field group_fields[] = {
    SCALAR(U32, struct sl_group, count),
    CHARS(struct sl_group, fingerprint),
    SCALAR(TEXT, struct sl_group, function),
    OBJECT(struct sl_group, wait, report_layout_wait),
    LIST(struct sl_document_group, "waits", waits, n_waits, wait_object),
    SCALAR(NAME, struct sl_document_group, states),
    NAMES(struct sl_document_group, "names", names, n_names),
    {.key = "tids",
     .kind = SL_FIELD_IDS,
     .offset = offsetof(struct sl_group, ids),
     .other = offsetof(struct sl_group, n_ids) + HAS_TYPE(struct sl_group, n_ids, uint32_t),
     .size = sizeof MEMBER(struct sl_group, ids)},
    SCALAR(BOOL, struct sl_group, complete),
    ENUM(struct sl_group, grade, report_layout_grades),
    SCALAR(TEXT, struct sl_group, reason),
    LIST(struct sl_group, "frames", frames, n_frames, report_layout_frame),
};
static const struct sl_object group_object = {FIELDS(group_fields)};

static const struct sl_field thread_fields[] = {
    {KEYED(U64, struct sl_document_thread, "tid", id)},
    CHARS(struct sl_document_thread, name),
    CHARS(struct sl_document_thread, state),
    SCALAR(NAME, struct sl_document_thread, source),
    SCALAR(BOOL, struct sl_document_thread, complete),
    ENUM(struct sl_document_thread, grade, report_layout_grades),
    SCALAR(TEXT, struct sl_document_thread, reason),
    SCALAR(BOOL, struct sl_document_thread, consistent),
    SCALAR(NAME, struct sl_document_thread, fingerprint),
    SCALAR(U64, struct sl_document_thread, start_time),
    SCALAR(U64, struct sl_document_thread, age_ns),
    SCALAR(U64, struct sl_document_thread, cpu_ns),
    SCALAR(U64, struct sl_document_thread, switches),
    OBJECT(struct sl_document_thread, wait, report_layout_wait),
    LIST(struct sl_document_thread, "frames", frames, n_frames, report_layout_frame),
};
static const struct sl_object thread_object = {FIELDS(thread_fields)};

static const struct sl_field source_fields[] = {
    SCALAR(U32, struct sl_document_sources, none), SCALAR(U32, struct sl_document_sources, proc),
    SCALAR(U32, struct sl_document_sources, bpf),  SCALAR(U32, struct sl_document_sources, ptrace),
    SCALAR(U32, struct sl_document_sources, dump),
};
static const struct sl_object sources_object = {FIELDS(source_fields), .one_line = true};

static const struct sl_field unjoined_group_fields[] = {
    SCALAR(U32, struct sl_document_unjoined_group, count),
    OBJECT(struct sl_document_unjoined_group, start, report_layout_frame),
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

/* The last one is for full listings only: a list that was not asked for is not an empty list. */
static const struct sl_field document_fields[] = {
    SCHEMA,
    SCALAR(INT, struct sl_document, pid),
    SCALAR(TEXT, struct sl_document, command),
    SCALAR(U64, struct sl_document, ticks_per_second),
    OBJECT(struct sl_document, stats, report_layout_stats),
    OBJECT(struct sl_document, sources, sources_object),
    LIST(struct sl_document, "groups", groups, n_groups, group_object),
    OBJECT(struct sl_document, unjoined, unjoined_object),
    LIST(struct sl_document, "threads", threads, n_threads, thread_object),
};
static const struct sl_object full_object = {FIELDS(document_fields)};
static const struct sl_object grouped_object = {
    .fields = document_fields,
    .n_fields = SL_COUNT_OF(document_fields) - 1,
};

#define LAYOUT(object_)                                                                            \
    {                                                                                              \
        .schema = "strandline.snapshot", .major = 1, .what = "snapshot",                           \
        .root = PART(NULL, object_)                                                                \
    }
static const struct sl_layout full_layout = LAYOUT(full_object);
static const struct sl_layout grouped_layout = LAYOUT(grouped_object);

static enum sl_status add_threads(const struct sl_snapshot_listing *listing, struct sl_arena *arena,
                                  struct sl_document *document, struct sl_error *err)
{
    size_t n = listing->snapshot->n_threads;
    struct sl_document_thread *threads = sl_arena_array(arena, n, sizeof *threads);

    if (!threads)
        return sl_fail(err, SL_ENOMEM, "no memory to print %zu threads", n);
    for (size_t i = 0; i < n; i++)
        threads[i] = sl_document_thread(listing, i);
    for (size_t g = 0; g < listing->n_groups; g++)
        for (size_t i = 0; i < listing->groups[g].n_members; i++)
            threads[listing->groups[g].members[i]].fingerprint = listing->groups[g].fingerprint;
    document->threads = threads;
    document->n_threads = n;
    return SL_OK;
}

enum sl_status
snapshot_write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_snapshot_listing *listing = document;
    struct sl_document shown;

    enum sl_status status = sl_document_build(listing, page->arena, &shown, err);
    if (!status && listing->all)
        status = add_threads(listing, page->arena, &shown, err);
    if (status)
        return status;
    return sl_layout_print(listing->all ? &full_layout : &grouped_layout, &shown, page->out, err);
}
