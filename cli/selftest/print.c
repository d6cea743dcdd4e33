/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/selftest/print.h"

#include <inttypes.h>

#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/print/say.h"
#include "reports/print/wrap.h"

#define FACTS_COLUMN 48

static const char *say_threads(const struct sl_page *page, const struct selftest_facts *facts)
{
    const char *number = facts->many_threads ? "some" : sl_say(page, "%" PRIu32, facts->threads);

    return sl_say(page, "%s x %s%s%s", number, facts->function ? facts->function : "any function",
                  facts->cause ? ": " : "", facts->cause ? facts->cause : "");
}

/* "2 x fetcher_back_off: retrying, lost messages" */
static const char *say_facts(const struct sl_page *page, const struct selftest_facts *facts)
{
    const struct {
        bool is;
        const char *text;
    } parts[] = {
        {facts->threads, facts->threads ? say_threads(page, facts) : ""},
        {facts->late, "late threads"},
        {facts->hang, selftest_hang_text(facts->hang)},
        {facts->lost, "lost messages"},
        {facts->disorder, "order violations"},
        {facts->crash, "a crash"},
        {facts->unanswered, "publishes without an outcome"},
        {facts->proof, sl_proof_grade_text(facts->proof)},
    };
    const char *text = "";

    for (size_t i = 0; i < SL_COUNT_OF(parts); i++)
        if (parts[i].is)
            text = sl_say(page, "%s%s%s", text, *text ? ", " : "", parts[i].text);
    return *text ? text : "nothing";
}

static size_t count(const struct selftest *selftest, enum selftest_outcome outcome)
{
    size_t n = 0;

    for (size_t i = 0; i < selftest->n_rows; i++)
        n += selftest->rows[i].outcome == outcome;
    return n;
}

static void print_row(const struct sl_page *page, const struct selftest_row *row)
{
    static const enum sl_style styles[SELFTEST_N_OUTCOMES] = {
        [SELFTEST_NOT_PLAYED] = SL_STYLE_WARN,
        [SELFTEST_MISS] = SL_STYLE_BAD,
        [SELFTEST_FALSE_ALARM] = SL_STYLE_BAD,
    };

    sl_style_print(page, styles[row->outcome], "%-11s", selftest_outcome_text(row->outcome));
    (void) fprintf(page->out, "  %-5s  %-26s  ", row->kind, row->name);
    sl_wrap_after(page, SL_STYLE_NONE, FACTS_COLUMN, FACTS_COLUMN, say_facts(page, &row->expected));
    if (row->reason)
        sl_wrap_printf(page, styles[row->outcome], 13, "             %s",
                       sl_say_text(page, row->reason, "?"));
}

void selftest_print(const struct selftest *selftest, const struct sl_page *page)
{
    (void) fprintf(page->out, "%-11s  %-5s  %-26s  %s\n", "", "kind", "planted", "to be found");
    for (size_t i = 0; i < selftest->n_rows; i++)
        print_row(page, &selftest->rows[i]);
    for (size_t i = 0; i < selftest->n_left_out; i++)
        sl_wrap_printf(page, SL_STYLE_DIM, 2, "no row: %s: %s", selftest->left_out[i].name,
                       selftest->left_out[i].reason);
    (void) fprintf(page->out, "\n%zu of %zu hit, %zu missed, %zu false alarms, %zu not played\n",
                   count(selftest, SELFTEST_HIT), selftest->n_rows, count(selftest, SELFTEST_MISS),
                   count(selftest, SELFTEST_FALSE_ALARM), count(selftest, SELFTEST_NOT_PLAYED));
}

static const char *outcome_word(unsigned value)
{
    return selftest_outcome_text((enum selftest_outcome) value);
}
static const struct sl_words outcomes = {SELFTEST_N_OUTCOMES, outcome_word};

static const char *hang_word(unsigned value)
{
    return selftest_hang_text((enum bus_fault_hang) value);
}
static const struct sl_words hangs = {BUS_FAULT_OPEN_HANGS + 1, hang_word};

static const char *proof_word(unsigned value)
{
    return sl_proof_grade_text((enum sl_proof_grade) value);
}
static const struct sl_words proofs = {SL_PROOF_NOT_JUDGED + 1, proof_word};

static const struct sl_field facts_fields[] = {
    SCALAR(TEXT, struct selftest_facts, function),
    SCALAR(TEXT, struct selftest_facts, cause),
    SCALAR(U32, struct selftest_facts, threads),
    SCALAR(BOOL, struct selftest_facts, many_threads),
    SCALAR(U32, struct selftest_facts, leaked),
    SCALAR(U32, struct selftest_facts, late),
    ENUM(struct selftest_facts, "hang", hang, hangs),
    SCALAR(BOOL, struct selftest_facts, lost),
    SCALAR(BOOL, struct selftest_facts, disorder),
    SCALAR(BOOL, struct selftest_facts, crash),
    SCALAR(BOOL, struct selftest_facts, unanswered),
    ENUM(struct selftest_facts, "proof", proof, proofs),
};
static const struct sl_object facts_object = {FIELDS(facts_fields), .one_line = true};

static const struct sl_field row_fields[] = {
    SCALAR(NAME, struct selftest_row, kind),
    SCALAR(NAME, struct selftest_row, name),
    {KEYED(NAME, struct selftest_row, "transport", cell.transport)},
    {KEYED(TEXT, struct selftest_row, "fault", cell.fault)},
    ENUM(struct selftest_row, "outcome", outcome, outcomes),
    SCALAR(TEXT, struct selftest_row, reason),
    OBJECT(struct selftest_row, "expected", expected, facts_object),
    POINTER(struct selftest_row, "seen", seen, facts_object),
};
static const struct sl_object row_object = {FIELDS(row_fields)};

static const struct sl_field left_out_fields[] = {
    SCALAR(NAME, struct selftest_left_out, name),
    SCALAR(NAME, struct selftest_left_out, reason),
};
static const struct sl_object left_out_object = {FIELDS(left_out_fields), .one_line = true};

struct document {
    uint32_t hit, missed, false_alarms, not_played;
    const struct selftest_row *rows;
    size_t n_rows;
    const struct selftest_left_out *left_out;
    size_t n_left_out;
};

static const struct sl_field document_fields[] = {
    SCHEMA,
    SCALAR(U32, struct document, hit),
    SCALAR(U32, struct document, missed),
    SCALAR(U32, struct document, false_alarms),
    SCALAR(U32, struct document, not_played),
    LIST(struct document, "rows", rows, n_rows, row_object),
    LIST(struct document, "left_out", left_out, n_left_out, left_out_object),
};
static const struct sl_object document_object = {FIELDS(document_fields)};

static const struct sl_layout selftest_layout = {
    .schema = "strandline.selftest",
    .major = 1,
    .what = "self-test",
    .root = PART(NULL, document_object),
};

enum sl_status selftest_print_json(const struct selftest *selftest, FILE *out, struct sl_error *err)
{
    const struct document document = {
        .hit = (uint32_t) count(selftest, SELFTEST_HIT),
        .missed = (uint32_t) count(selftest, SELFTEST_MISS),
        .false_alarms = (uint32_t) count(selftest, SELFTEST_FALSE_ALARM),
        .not_played = (uint32_t) count(selftest, SELFTEST_NOT_PLAYED),
        .rows = selftest->rows,
        .n_rows = selftest->n_rows,
        .left_out = selftest->left_out,
        .n_left_out = selftest->n_left_out,
    };
    return sl_layout_print(&selftest_layout, &document, out, err);
}
