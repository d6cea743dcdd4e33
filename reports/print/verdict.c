/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/verdict.h"

#include <inttypes.h>

#include "base/fail.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/finding_layout.h"
#include "reports/print/breach.h"
#include "reports/print/leak_lines.h"
#include "reports/print/table_verdict.h"
#include "reports/print/wrap.h"
#include "reports/report_layout.h"

/* What the baseline allows and nobody needs any more. */
static bool print_stale(const struct sl_page *page, const struct sl_judgement *judgement)
{
    const struct sl_baseline *baseline = judgement->policy->ratchet;
    struct sl_stale_leak *stale;
    size_t n_stale;

    if (!baseline)
        return true;
    if (!sl_baseline_stale(baseline, judgement->result, page->arena, &stale, &n_stale))
        return false;
    for (size_t i = 0; i < n_stale; i++)
        sl_wrap_printf(
            page, SL_STYLE_WARN, 2,
            "stale: the baseline has %" PRIu32 " x %s in %s, of which %" PRIu32 " are left (%s)",
            stale[i].leak->max, sl_say_text(page, stale[i].leak->function, "?"),
            sl_say_text(page, stale[i].leak->cell, "?"), stale[i].seen, stale[i].leak->fingerprint);
    return true;
}

static enum sl_status
write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_judgement *judgement = document;
    struct sl_verdict verdict;
    enum sl_status status = sl_breaches_say(judgement, page->arena, &verdict, err);

    if (status)
        return status;
    sl_table_print_rules(page, judgement->result);
    sl_table_print_verdict(page, judgement->result, &verdict);
    return sl_leak_lines_print(page, judgement->result, judgement->policy) &&
                   print_stale(page, judgement)
               ? SL_OK
               : sl_fail(err, SL_ENOMEM, "out of memory for the leaks of a verdict");
}

struct document {
    uint32_t max_leaks;
    struct sl_value max_descriptors, max_processes; /* missing: without a limit */
    const char *baseline;
    struct sl_verdict verdict;
    struct sl_leak_line *lines;
    size_t n_lines;
    struct sl_stale_leak *stale;
    size_t n_stale;
};

static const struct sl_field finding_fields[] = {
    {KEYED(TEXT, struct sl_finding, "function", group.function)},
    ENUM(struct sl_finding, "cause", cause, finding_layout_causes),
    CHARS(struct sl_finding, "fingerprint", group.fingerprint),
};
static const struct sl_object finding_object = {FIELDS(finding_fields)};

static const struct sl_field line_fields[] = {
    POINTER(struct sl_leak_line, "cell", cell, report_layout_cell_name),
    POINTER(struct sl_leak_line, NULL, finding, finding_object),
    SCALAR(TEXT, struct sl_leak_line, file),
    SCALAR(VALUE, struct sl_leak_line, line),
    SCALAR(U32, struct sl_leak_line, count),
    OBJECT(struct sl_leak_line, "trials", trials, report_layout_share),
    {KEYED(MAYBE, struct sl_leak_line, "new", is_new)},
    {KEYED(VALUE, struct sl_leak_line, "baseline_count", known)},
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

static const struct sl_field stale_leak_fields[] = {
    SCALAR(NAME, struct sl_baseline_leak, cell),
    CHARS(struct sl_baseline_leak, "fingerprint", fingerprint),
    SCALAR(NAME, struct sl_baseline_leak, function),
    SCALAR(U32, struct sl_baseline_leak, max),
    SCALAR(NAME, struct sl_baseline_leak, reason),
};
static const struct sl_object stale_leak_object = {FIELDS(stale_leak_fields)};

static const struct sl_field stale_fields[] = {
    POINTER(struct sl_stale_leak, NULL, leak, stale_leak_object),
    SCALAR(U32, struct sl_stale_leak, seen),
};
static const struct sl_object stale_object = {FIELDS(stale_fields), .one_line = true};

static const struct sl_field document_fields[] = {
    SCHEMA,
    PART("policy", policy_object),
    PART("verdict", verdict_object),
    LIST(struct document, "leaks", lines, n_lines, line_object),
    LIST(struct document, "stale", stale, n_stale, stale_object),
};
static const struct sl_object document_object = {FIELDS(document_fields)};

static const struct sl_layout gate_layout = {
    .schema = "strandline.gate",
    .major = 1,
    .what = "verdict",
    .root = PART(NULL, document_object),
};

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

    enum sl_status status = sl_breaches_say(judgement, page->arena, &document.verdict, err);
    if (status)
        return status;
    if (!sl_leak_lines_make(judgement->result, policy, page->arena, &document.lines,
                            &document.n_lines) ||
        (policy->ratchet && !sl_baseline_stale(policy->ratchet, judgement->result, page->arena,
                                               &document.stale, &document.n_stale)))
        return sl_fail(err, SL_ENOMEM, "out of memory for the leaks of a verdict");
    return sl_layout_print(&gate_layout, &document, page->out, err);
}

const struct sl_exporter sl_verdict_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
