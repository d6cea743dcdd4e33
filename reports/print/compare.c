/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/compare.h"

#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/cells.h"
#include "reports/finding_layout.h"
#include "reports/format.h"
#include "reports/print/grid.h"
#include "reports/print/say.h"
#include "reports/print/wrap.h"
#include "reports/report_layout.h"

/* "5", or "-" for what was not looked at. */
static const char *count_text(const struct sl_page *page, struct sl_value count)
{
    return count.missing ? "-" : sl_say(page, "%" PRIu64, count.value);
}

/* "2 of 3", or "-" where no trial could look. */
static const char *share_text(const struct sl_page *page, const struct sl_share *share)
{
    return share->of ? sl_say(page, "%zu of %zu", share->n, share->of) : "-";
}

/* ", in 0 of 1 -> 2 of 3 trials"; nothing when both sides have one. */
static const char *trials_text(const struct sl_page *page, const struct sl_group_change *change)
{
    const struct sl_share *base = &change->base_trials, *head = &change->head_trials;
    if (base->of <= 1 && head->of <= 1)
        return "";
    return sl_say(page, ", in %s -> %s trials", share_text(page, base), share_text(page, head));
}

/* Nothing is listed: say of how many trials that is known. */
static void print_none(const struct sl_page *page, const struct sl_comparison *comparison)
{
    const struct sl_share *base = &comparison->base_looked, *head = &comparison->head_looked;

    if (base->n == base->of && head->n == head->of && base->n && head->n)
        (void) fputs("no leaked threads in either report\n", page->out);
    else
        (void) fprintf(page->out,
                       "no leaked threads where they are known: %zu of %zu trials of base, %zu of "
                       "%zu of head\n",
                       base->n, base->of, head->n, head->of);
}

static void print_groups(const struct sl_page *page, const struct sl_comparison *comparison)
{
    static const enum sl_style styles[] = {
        [SL_CHANGE_NEW] = SL_STYLE_BAD,
        [SL_CHANGE_GONE] = SL_STYLE_GOOD,
        [SL_CHANGE_SAME] = SL_STYLE_NONE,
        [SL_CHANGE_UNKNOWN] = SL_STYLE_WARN,
    };
    if (!comparison->n_groups)
        print_none(page, comparison);
    for (size_t i = 0; i < comparison->n_groups; i++) {
        const struct sl_group_change *change = &comparison->groups[i];
        sl_style_print(page, styles[change->change], "%-7s", sl_change_text(change->change));
        const char *text = sl_say(
            page, "  %s -> %s x %s: %s, %s  (%s%s)", count_text(page, change->base_count),
            count_text(page, change->head_count), sl_say_function(page, &change->finding->group),
            sl_cause_text(change->finding->cause), change->finding->group.fingerprint,
            sl_say_cell(page, change->cell), trials_text(page, change));
        sl_wrap_after(page, SL_STYLE_NONE, 7, 9, text);
    }
}

/* A number that only some trials have says of how many it is. */
static const char *number_text(const struct sl_page *page, const struct sl_metric_change *change,
                               struct sl_real number, const struct sl_share *trials)
{
    char text[SL_FORMAT_MAX];

    sl_metric_format(number, change->metric.unit, text);
    if (number.missing || trials->n == trials->of)
        return sl_say(page, "%s", text);
    return sl_say(page, "%s (%zu of %zu)", text, trials->n, trials->of);
}

/* "+12.3 %", or nothing when there is no ratio. */
static const char *ratio_text(const struct sl_page *page, const struct sl_metric_change *change)
{
    if (change->base.missing || change->head.missing || change->base.value == 0)
        return "";
    return sl_say(page, "%+.1f %%",
                  100 * (change->head.value - change->base.value) / change->base.value);
}

static bool
print_metrics(const struct sl_page *page, const struct sl_metric_change *changes, size_t n_changes)
{
    static const char *const headings[] = {"", "base", "head", "change", "better"};
    struct sl_grid grid;

    if (!sl_grid_init(&grid, page->arena, n_changes + 1, SL_COUNT_OF(headings)))
        return false;
    for (size_t i = 0; i < SL_COUNT_OF(headings); i++)
        sl_grid_set(&grid, 0, i, headings[i], SL_STYLE_NONE);
    for (size_t i = 0; i < n_changes; i++) {
        const struct sl_metric_change *change = &changes[i];
        sl_grid_set(&grid, i + 1, 0, change->metric.path, SL_STYLE_NONE);
        sl_grid_set(&grid, i + 1, 1, number_text(page, change, change->base, &change->base_trials),
                    SL_STYLE_NONE);
        sl_grid_set(&grid, i + 1, 2, number_text(page, change, change->head, &change->head_trials),
                    SL_STYLE_NONE);
        sl_grid_set(&grid, i + 1, 3, ratio_text(page, change), SL_STYLE_NONE);
        sl_grid_set(&grid, i + 1, 4, change->metric.lower_is_better ? "lower" : "higher",
                    SL_STYLE_DIM);
    }
    (void) fprintf(page->out, "\n%s", sl_say_cell(page, changes[0].cell));
    if (changes[0].base_trials.of > 1 || changes[0].head_trials.of > 1)
        (void) fprintf(page->out, ", trials: %zu, then %zu", changes[0].base_trials.of,
                       changes[0].head_trials.of);
    (void) fputs("\n\n", page->out);
    sl_grid_print(&grid, page);
    return true;
}

static void print_only(const struct sl_page *page, const char *side,
                       const struct sl_cell_result *const *cells, size_t n_cells)
{
    for (size_t i = 0; i < n_cells; i++)
        sl_style_print(page, SL_STYLE_WARN, "only in %s: %s\n", side, sl_say_cell(page, cells[i]));
}

/* A heading and its lines; nothing without lines. */
static void print_list(const struct sl_page *page, const struct sl_texts *list, const char *heading)
{
    if (list->n)
        sl_wrap_print(page, SL_STYLE_WARN, 2, heading);
    for (size_t i = 0; i < list->n; i++)
        sl_wrap_printf(page, SL_STYLE_NONE, 2, "  %s", sl_say_text(page, list->texts[i], ""));
}

static void print_side(const struct sl_page *page, const char *side,
                       const struct sl_run_result *result, const char *name)
{
    const char *text = sl_sides_describe(result, name, page->arena);
    sl_wrap_printf(page, SL_STYLE_NONE, 6, "%s: %s", side, sl_say_text(page, text, "?"));
}

static void print_banner(const struct sl_page *page, const struct sl_comparison *comparison)
{
    print_side(page, "base", comparison->base, comparison->base_name);
    print_side(page, "head", comparison->head, comparison->head_name);
    print_list(page, &comparison->environment,
               "different environments: the numbers below do not compare like with like");
    print_list(page, &comparison->settings,
               "different settings: cells of one name that were not the same load or bus");
    print_list(page, &comparison->doubts, "not to be relied on");
    sl_wrap_print(page, SL_STYLE_NONE, 2,
                  "for information: runs that were not interleaved differ by what else the machine "
                  "did");
    (void) fputc('\n', page->out);
}

static enum sl_status
write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_comparison *comparison = document;
    bool printed = true;

    print_banner(page, comparison);
    print_groups(page, comparison);
    print_only(page, "base", comparison->only_base, comparison->n_only_base);
    print_only(page, "head", comparison->only_head, comparison->n_only_head);
    for (size_t from = 0, n; printed && from < comparison->n_metrics; from += n) {
        const struct sl_metric_change *changes = &comparison->metrics[from];
        n = 1;
        while (from + n < comparison->n_metrics && changes[n].cell == changes->cell)
            n++;
        printed = print_metrics(page, changes, n);
    }
    return printed ? SL_OK : sl_fail(err, SL_ENOMEM, "out of memory for a comparison");
}

static const char *change_word(unsigned value)
{
    return sl_change_text((enum sl_change) value);
}
static const struct sl_words changes = {SL_N_CHANGES, change_word};

static const char *unit_word(unsigned value)
{
    return sl_unit_text((enum sl_unit) value);
}
static const struct sl_words units = {SL_N_UNITS, unit_word};

static const struct sl_field finding_fields[] = {
    CHARS(struct sl_finding, "fingerprint", group.fingerprint),
    ENUM(struct sl_finding, "cause", cause, finding_layout_causes),
    {KEYED(TEXT, struct sl_finding, "function", group.function)},
};
static const struct sl_object finding_object = {FIELDS(finding_fields)};

static const struct sl_field group_fields[] = {
    ENUM(struct sl_group_change, "change", change, changes),
    POINTER(struct sl_group_change, "cell", cell, report_layout_cell_name),
    POINTER(struct sl_group_change, NULL, finding, finding_object),
    SCALAR(VALUE, struct sl_group_change, base_count),
    SCALAR(VALUE, struct sl_group_change, head_count),
    OBJECT(struct sl_group_change, "base_trials", base_trials, report_layout_share),
    OBJECT(struct sl_group_change, "head_trials", head_trials, report_layout_share),
};
static const struct sl_object group_object = {FIELDS(group_fields)};

static const struct sl_field metric_fields[] = {
    POINTER(struct sl_metric_change, "cell", cell, report_layout_cell_name),
    {KEYED(NAME, struct sl_metric_change, "metric", metric.path)},
    ENUM(struct sl_metric_change, "unit", metric.unit, units),
    SCALAR(REAL, struct sl_metric_change, base),
    SCALAR(REAL, struct sl_metric_change, head),
    OBJECT(struct sl_metric_change, "base_trials", base_trials, report_layout_share),
    OBJECT(struct sl_metric_change, "head_trials", head_trials, report_layout_share),
    {KEYED(BOOL, struct sl_metric_change, "lower_is_better", metric.lower_is_better)},
};
static const struct sl_object metric_object = {FIELDS(metric_fields)};

static const struct sl_field side_fields[] = {
    {KEYED(TEXT, struct sl_run_result, "label", run.label)},
    {KEYED(TEXT, struct sl_run_result, "commit", run.commit)},
    SCALAR(TEXT, struct sl_run_result, driver),
    {KEYED(TEXT, struct sl_run_result, "driver_build_id", driver_file.build_id)},
    {KEYED(TEXT, struct sl_run_result, "driver_sha256", driver_file.sha256)},
    {KEYED(TEXT, struct sl_run_result, "started_at", run.started_at)},
    {KEYED(TEXT, struct sl_run_result, "host", environment.host)},
    {KEYED(TEXT, struct sl_run_result, "tool_version", tool.version)},
    {KEYED(TEXT, struct sl_run_result, "tool_commit", tool.commit)},
};
static const struct sl_object side_object = {FIELDS(side_fields)};

static const struct sl_field base_fields[] = {
    {KEYED(TEXT, struct sl_comparison, "file", base_name)},
    POINTER(struct sl_comparison, NULL, base, side_object),
};
static const struct sl_object base_object = {FIELDS(base_fields)};

static const struct sl_field head_fields[] = {
    {KEYED(TEXT, struct sl_comparison, "file", head_name)},
    POINTER(struct sl_comparison, NULL, head, side_object),
};
static const struct sl_object head_object = {FIELDS(head_fields)};

/* An element is a pointer. */
static const struct sl_field only_fields[] = {
    {.kind = SL_FIELD_POINTER, .object = &report_layout_cell_name},
};
static const struct sl_object only_object = {FIELDS(only_fields)};

static const struct sl_field comparison_fields[] = {
    SCHEMA,
    PART("base", base_object),
    PART("head", head_object),
    SCALAR(BOOL, struct sl_comparison, same_environment),
    NAMES(struct sl_comparison, "environment", environment.texts, environment.n),
    NAMES(struct sl_comparison, "settings", settings.texts, settings.n),
    NAMES(struct sl_comparison, "doubts", doubts.texts, doubts.n),
    LIST(struct sl_comparison, "groups", groups, n_groups, group_object),
    LIST(struct sl_comparison, "only_base", only_base, n_only_base, only_object),
    LIST(struct sl_comparison, "only_head", only_head, n_only_head, only_object),
    LIST(struct sl_comparison, "metrics", metrics, n_metrics, metric_object),
};
static const struct sl_object comparison_object = {FIELDS(comparison_fields)};

static const struct sl_layout comparison_layout = {
    .schema = "strandline.compare",
    .major = 1,
    .what = "comparison",
    .root = PART(NULL, comparison_object),
};

static enum sl_status
write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    return sl_layout_print(&comparison_layout, document, page->out, err);
}

const struct sl_exporter sl_compare_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
