/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "reports/cells.h"
#include "reports/format.h"
#include "reports/print/grid.h"
#include "reports/print/json_parts.h"
#include "reports/print/say.h"
#include "reports/print/wrap.h"

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

static json_t *json_number(struct sl_real number)
{
    if (number.missing)
        return json_null();
    if (number.value == floor(number.value) && fabs(number.value) < 1e15)
        return json_integer((json_int_t) number.value);
    return json_real(number.value);
}

/* Add the reasons of the two numbers when they are null.  Takes json. */
static json_t *add_missing(struct sl_arena *arena, json_t *json, const char *base_key,
                           const char *base, const char *head_key, const char *head)
{
    json_t *missing = json_object();
    bool kept = json && missing;

    if (kept && base)
        kept = json_object_set_new(missing, base_key, sl_json_text(arena, base)) == 0;
    if (kept && head)
        kept = json_object_set_new(missing, head_key, sl_json_text(arena, head)) == 0;
    if (kept && (base || head))
        kept = json_object_set(json, "missing", missing) == 0;
    json_decref(missing);
    if (kept)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *json_group(struct sl_arena *arena, const struct sl_group_change *change)
{
    json_t *json = json_pack(
        "{ss so ss ss so so so so so}", "change", sl_change_text(change->change), "cell",
        sl_json_cell(arena, change->cell), "fingerprint", change->finding->group.fingerprint,
        "cause", sl_cause_text(change->finding->cause), "function",
        sl_json_text(arena, change->finding->group.function), "base_count",
        sl_json_count(change->base_count), "head_count", sl_json_count(change->head_count),
        "base_trials", sl_json_share(change->base_trials.n, change->base_trials.of), "head_trials",
        sl_json_share(change->head_trials.n, change->head_trials.of));
    return add_missing(arena, json, "base_count", change->base_count.missing, "head_count",
                       change->head_count.missing);
}

static json_t *json_metric(struct sl_arena *arena, const struct sl_metric_change *change)
{
    json_t *json =
        json_pack("{so ss ss so so so so sb}", "cell", sl_json_cell(arena, change->cell), "metric",
                  change->metric.path, "unit", sl_unit_text(change->metric.unit), "base",
                  json_number(change->base), "head", json_number(change->head), "base_trials",
                  sl_json_share(change->base_trials.n, change->base_trials.of), "head_trials",
                  sl_json_share(change->head_trials.n, change->head_trials.of), "lower_is_better",
                  change->metric.lower_is_better);
    return add_missing(arena, json, "base", change->base.missing, "head", change->head.missing);
}

/* Append and take; the list is freed and NULL when memory is short. */
static void append(json_t **list, json_t *element)
{
    if (*list && element && json_array_append(*list, element) == 0) {
        json_decref(element);
        return;
    }
    json_decref(element);
    json_decref(*list);
    *list = NULL;
}

static json_t *
json_cells(struct sl_arena *arena, const struct sl_cell_result *const *cells, size_t n_cells)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n_cells; i++)
        append(&list, sl_json_cell(arena, cells[i]));
    return list;
}

static json_t *json_texts(struct sl_arena *arena, const struct sl_texts *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->n; i++)
        append(&list, sl_json_text(arena, texts->texts[i]));
    return list;
}

static json_t *
json_side(struct sl_arena *arena, const struct sl_run_result *result, const char *name)
{
    const struct sl_driver_file *file = &result->driver_file;

    return json_pack(
        "{so so so so so so so so so so}", "file", sl_json_text(arena, name), "label",
        sl_json_text(arena, result->run.label), "commit", sl_json_text(arena, result->run.commit),
        "driver", sl_json_text(arena, result->driver), "driver_build_id",
        sl_json_text(arena, file->build_id), "driver_sha256", sl_json_text(arena, file->sha256),
        "started_at", sl_json_text(arena, result->run.started_at), "host",
        sl_json_text(arena, result->environment.host), "tool_version",
        sl_json_text(arena, result->tool.version), "tool_commit",
        sl_json_text(arena, result->tool.commit));
}

/* json_pack() gives NULL, and frees the others, when one of its parts is NULL. */
static json_t *json_comparison(struct sl_arena *arena, const struct sl_comparison *comparison)
{
    json_t *groups = json_array(), *metrics = json_array();

    for (size_t i = 0; i < comparison->n_groups; i++)
        append(&groups, json_group(arena, &comparison->groups[i]));
    for (size_t i = 0; i < comparison->n_metrics; i++)
        append(&metrics, json_metric(arena, &comparison->metrics[i]));
    return json_pack(
        "{ss so so sb so so so so so so so}", "schema", "strandline.compare/1", "base",
        json_side(arena, comparison->base, comparison->base_name), "head",
        json_side(arena, comparison->head, comparison->head_name), "same_environment",
        comparison->same_environment, "environment", json_texts(arena, &comparison->environment),
        "settings", json_texts(arena, &comparison->settings), "doubts",
        json_texts(arena, &comparison->doubts), "groups", groups, "only_base",
        json_cells(arena, comparison->only_base, comparison->n_only_base), "only_head",
        json_cells(arena, comparison->only_head, comparison->n_only_head), "metrics", metrics);
}

static enum sl_status
write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    json_t *json = json_comparison(page->arena, document);

    if (!json)
        return sl_fail(err, SL_ENOMEM, "out of memory for a comparison");
    errno = 0;
    int dumped = json_dumpf(json, page->out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(json);
    if (dumped < 0 || fputc('\n', page->out) == EOF || fflush(page->out) != 0)
        return sl_fail_errno(err, "cannot write the comparison");
    return SL_OK;
}

const struct sl_exporter sl_compare_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
