/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/finding_layout.h"
#include "reports/print/say.h"
#include "reports/print/wrap.h"
#include "reports/snapshot/diff.h"
#include "reports/snapshot/layout.h"

static const char *noun_of(const struct sl_snapshot_diff *diff)
{
    return diff->sides[0].kind == SL_SNAPSHOT_GOROUTINES ? "goroutine" : "thread";
}

static void print_side(const struct sl_page *page, const struct sl_snapshot_diff *diff, size_t i)
{
    const struct sl_diff_side *side = &diff->sides[i];

    sl_wrap_printf(page, SL_STYLE_NONE, 4, "%zu: %s%s%s: %" PRIu64 " %s%s in %zu group%s", i + 1,
                   sl_say_text(page, side->name, "?"), side->what ? ", " : "",
                   sl_say_text(page, side->what, ""), side->n_threads, noun_of(diff),
                   side->n_threads == 1 ? "" : "s", side->n_groups, side->n_groups == 1 ? "" : "s");
    if (side->n_errors)
        sl_style_print(page, SL_STYLE_WARN, "   %" PRIu64 " place%s of it could not be read\n",
                       side->n_errors, side->n_errors == 1 ? "" : "s");
    if (side->n_left_out)
        sl_style_print(page, SL_STYLE_WARN, "   %" PRIu64 " more w%s not looked at\n",
                       side->n_left_out, side->n_left_out == 1 ? "as" : "ere");
    if (side->more)
        sl_style_print(page, SL_STYLE_WARN,
                       "   another dump follows in the file, and is not counted\n");
}

/* "2 -> 4 -> 6" */
static const char *say_counts(const struct sl_page *page, const struct sl_diff_row *row)
{
    const char *text = "";

    for (size_t i = 0; i < row->n_counts; i++)
        text = sl_say(page, "%s%s%" PRIu64, text, i ? " -> " : "", row->counts[i]);
    return text;
}

static void print_row(const struct sl_page *page, const struct sl_diff_row *row)
{
    static const enum sl_style styles[] = {
        [SL_DIFF_APPEARED] = SL_STYLE_BAD, [SL_DIFF_GREW] = SL_STYLE_BAD,
        [SL_DIFF_SHRANK] = SL_STYLE_GOOD,  [SL_DIFF_GONE] = SL_STYLE_GOOD,
        [SL_DIFF_SAME] = SL_STYLE_NONE,
    };
    const char *slope =
        row->slope.missing ? "" : sl_say(page, ", %+.4g per step", row->slope.value);
    const char *every = row->growing == SL_MAYBE_YES ? ", grew in every step" : "";

    sl_style_print(page, styles[row->change], "%-8s", sl_diff_kind_text(row->change));
    sl_wrap_after(page, SL_STYLE_NONE, 8, 10,
                  sl_say(page, "  %s x %s%s%s  (%s)", say_counts(page, row),
                         sl_say_function(page, row->group), slope, every,
                         sl_say_text(page, row->group->fingerprint, "")));
}

static enum sl_status
write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_snapshot_diff *diff = document;

    (void) err;
    for (size_t i = 0; i < diff->n_sides; i++)
        print_side(page, diff, i);
    (void) fputc('\n', page->out);
    for (size_t i = 0; i < diff->n_rows; i++)
        print_row(page, &diff->rows[i]);
    if (!diff->n_rows)
        (void) fputs("nothing changed\n", page->out);
    if (diff->n_same)
        sl_style_print(page, SL_STYLE_DIM, "%zu group%s did not change\n", diff->n_same,
                       diff->n_same == 1 ? "" : "s");
    return SL_OK;
}

static const char *change_word(unsigned value)
{
    return sl_diff_kind_text((enum sl_diff_kind) value);
}
static const struct sl_words changes = {SL_DIFF_SAME + 1, change_word};

static const struct sl_field group_fields[] = {
    CHARS(struct sl_group, "fingerprint", fingerprint),
    SCALAR(TEXT, struct sl_group, function),
    LIST(struct sl_group, "frames", frames, n_frames, finding_layout_frame),
};
static const struct sl_object group_object = {FIELDS(group_fields)};

static const struct sl_field row_fields[] = {
    ENUM(struct sl_diff_row, "change", change, changes),
    NUMBERS(struct sl_diff_row, "counts", counts, n_counts),
    {KEYED(MAYBE, struct sl_diff_row, "grows_in_every_step", growing)},
    SCALAR(REAL, struct sl_diff_row, slope),
    POINTER(struct sl_diff_row, NULL, group, group_object),
};
static const struct sl_object row_object = {FIELDS(row_fields)};

static const struct sl_field side_fields[] = {
    SCALAR(NAME, struct sl_diff_side, name),
    SCALAR(TEXT, struct sl_diff_side, what),
    SCALAR(INT, struct sl_diff_side, pid),
    {KEYED(U64, struct sl_diff_side, "threads", n_threads)},
    {KEYED(U64, struct sl_diff_side, "left_out", n_left_out)},
    {KEYED(U64, struct sl_diff_side, "errors", n_errors)},
    {KEYED(BOOL, struct sl_diff_side, "more", more)},
};
static const struct sl_object side_object = {FIELDS(side_fields), .one_line = true};

/* What the looks have in common is told by the first. */
static const struct sl_field kind_fields[] = {
    ENUM(struct sl_diff_side, "kind", kind, layout_snapshot_kinds),
};
static const struct sl_object kind_object = {FIELDS(kind_fields)};

static const struct sl_field diff_fields[] = {
    SCHEMA,
    POINTER(struct sl_snapshot_diff, NULL, sides, kind_object),
    LIST(struct sl_snapshot_diff, "looks", sides, n_sides, side_object),
    LIST(struct sl_snapshot_diff, "groups", rows, n_rows, row_object),
    {KEYED(U64, struct sl_snapshot_diff, "same", n_same)},
};
static const struct sl_object diff_object = {FIELDS(diff_fields)};

static const struct sl_layout diff_layout = {
    .schema = "strandline.diff",
    .major = 1,
    .what = "comparison",
    .root = PART(NULL, diff_object),
};

static enum sl_status
write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    return sl_layout_print(&diff_layout, document, page->out, err);
}

const struct sl_exporter sl_snapshot_diff_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
