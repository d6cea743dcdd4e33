/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/verdict.h"

#include "base/fail.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/print/breach.h"
#include "reports/print/leak_lines.h"
#include "reports/print/table_verdict.h"
#include "reports/report_layout.h"

static enum sl_status
write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_judgement *judgement = document;
    struct sl_verdict verdict;
    enum sl_status status = sl_breaches_say(judgement, page->arena, &verdict, err);

    if (status)
        return status;
    sl_table_print_verdict(page, judgement->result, &verdict);
    return sl_leak_lines_print(page, judgement->result, judgement->policy)
               ? SL_OK
               : sl_fail(err, SL_ENOMEM, "out of memory for the leaks of a verdict");
}

struct line {
    const struct sl_cell_result *cell;
    const struct sl_finding *finding;
    const char *file;
    struct sl_value line, baseline_count; /* missing: there is none */
    uint32_t count, n_trials;
    uint64_t n_looked; /* trials that could see it */
    enum sl_maybe is_new;
};

struct document {
    uint32_t max_leaks;
    struct sl_value max_descriptors, max_processes; /* missing: without a limit */
    const char *baseline;
    struct sl_verdict verdict;
    const struct line *lines;
    size_t n_lines;
};

static const struct sl_field finding_fields[] = {
    {KEYED(TEXT, struct sl_finding, "function", group.function)},
    ENUM(struct sl_finding, cause, report_layout_causes),
    {.key = "fingerprint",
     .kind = SL_FIELD_CHARS,
     .offset = offsetof(struct sl_finding, group.fingerprint),
     .size = sizeof MEMBER(struct sl_finding, group.fingerprint)},
};
static const struct sl_object finding_object = {FIELDS(finding_fields)};

static bool nobody_looked(const void *object)
{
    const struct line *line = object;
    return !line->n_looked;
}

static const struct sl_field trials_fields[] = {
    {KEYED(U32, struct line, "n", n_trials)},
    {KEYED(U64, struct line, "of", n_looked)},
};
static const struct sl_object trials_object = {FIELDS(trials_fields), .is_null = nobody_looked};

static const struct sl_field line_fields[] = {
    POINTER(struct line, "cell", cell, report_layout_cell_name),
    POINTER(struct line, NULL, finding, finding_object),
    SCALAR(TEXT, struct line, file),
    SCALAR(VALUE, struct line, line),
    SCALAR(U32, struct line, count),
    PART("trials", trials_object),
    {KEYED(MAYBE, struct line, "new", is_new)},
    SCALAR(VALUE, struct line, baseline_count),
};
static const struct sl_object line_object = {FIELDS(line_fields)};

static const struct sl_field policy_fields[] = {
    SCALAR(U32, struct document, max_leaks),
    SCALAR(VALUE, struct document, max_descriptors),
    SCALAR(VALUE, struct document, max_processes),
    SCALAR(TEXT, struct document, baseline),
};
static const struct sl_object policy_object = {FIELDS(policy_fields)};

static const struct sl_field verdict_fields[] = {
    {KEYED(INT, struct document, "exit", verdict.exit)},
    NAMES(struct document, "failed", verdict.failed, verdict.n_failed),
};
static const struct sl_object verdict_object = {FIELDS(verdict_fields)};

static const struct sl_field document_fields[] = {
    SCHEMA,
    PART("policy", policy_object),
    PART("verdict", verdict_object),
    LIST(struct document, "leaks", lines, n_lines, line_object),
};
static const struct sl_object document_object = {FIELDS(document_fields)};

static const struct sl_layout gate_layout = {
    .schema = "strandline.gate",
    .major = 1,
    .what = "verdict",
    .printable = true,
    .root = PART(NULL, document_object),
};

static struct line line_of(const struct sl_leak_line *from)
{
    const struct sl_frame *frame = from->frame;

    return (struct line){
        .cell = from->cell,
        .finding = from->seen.finding,
        .file = frame ? frame->file : NULL,
        .line = frame && frame->file && frame->line ? SL_VALUE(frame->line) : SL_NOT_SAID,
        .count = from->seen.count,
        .n_trials = from->seen.n_trials,
        .n_looked = from->n_looked,
        .is_new = from->known.missing ? SL_MAYBE_UNKNOWN
                  : from->known.value ? SL_MAYBE_NO
                                      : SL_MAYBE_YES,
        .baseline_count = from->known,
    };
}

static struct sl_value limit_of(const struct sl_limit *limit)
{
    return limit->set ? SL_VALUE(limit->most) : SL_NOT_SAID;
}

static enum sl_status
write_json(const void *judgement_, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_judgement *judgement = judgement_;
    const struct sl_policy *policy = judgement->policy;
    struct document document = {
        .max_leaks = policy->max_leaks,
        .max_descriptors = limit_of(&policy->descriptors),
        .max_processes = limit_of(&policy->processes),
        .baseline = policy->baseline_name,
    };
    struct sl_leak_line *found;

    enum sl_status status = sl_breaches_say(judgement, page->arena, &document.verdict, err);
    if (status)
        return status;
    if (!sl_leak_lines_make(judgement->result, policy, page->arena, &found, &document.n_lines))
        return sl_fail(err, SL_ENOMEM, "out of memory for a verdict");
    struct line *lines = sl_arena_array(page->arena, document.n_lines, sizeof *lines);
    if (!lines)
        return sl_fail(err, SL_ENOMEM, "out of memory for a verdict");
    for (size_t i = 0; i < document.n_lines; i++)
        lines[i] = line_of(&found[i]);
    document.lines = lines;
    return sl_layout_print(&gate_layout, &document, page->out, err);
}

const struct sl_exporter sl_verdict_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
