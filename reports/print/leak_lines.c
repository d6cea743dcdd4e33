/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/leak_lines.h"

#include <inttypes.h>
#include <string.h>

#include "reports/baseline.h"
#include "reports/format.h"
#include "reports/print/say.h"
#include "reports/print/wrap.h"

static const struct sl_frame *frame_of(const struct sl_group *group)
{
    const struct sl_frame *found = group->n_frames ? &group->frames[0] : NULL;

    for (size_t i = 0; i < group->n_frames; i++) {
        const struct sl_frame *frame = &group->frames[i];
        if (frame->function && group->function && strcmp(frame->function, group->function) == 0)
            return frame;
        if (frame->file && !found->file)
            found = frame;
    }
    return found;
}

static bool add_cell(const struct sl_cell_result *cell, const struct sl_known *known,
                     struct sl_arena *arena, struct sl_leak_line *lines, size_t *n_lines)
{
    struct sl_cell_group *groups;
    struct sl_looked looked = sl_cell_looked(cell);
    size_t n_groups;
    const char *name = sl_cell_name(arena, cell);

    if (!name || !sl_cell_groups(arena, cell, &groups, &n_groups))
        return false;
    for (size_t i = 0; i < n_groups; i++) {
        const struct sl_finding *finding = groups[i].finding;
        if (!finding->counted)
            continue;
        const struct sl_frame *frame = frame_of(&finding->group);
        uint32_t before = known ? sl_known_count(known, name, finding->group.fingerprint) : 0;
        lines[(*n_lines)++] = (struct sl_leak_line){
            .cell = cell,
            .finding = finding,
            .count = groups[i].count,
            .trials = {groups[i].n_trials, sl_looked_for(&looked, finding)},
            .known = known ? SL_VALUE(before) : SL_NOT_SAID,
            .is_new = !known   ? SL_MAYBE_UNKNOWN
                      : before ? SL_MAYBE_NO
                               : SL_MAYBE_YES,
            .grew = known && known->baseline && before && groups[i].count > before,
            .module = frame ? frame->module : NULL,
            .file = frame ? frame->file : NULL,
            .line = frame && frame->file && frame->line ? SL_VALUE(frame->line) : SL_NOT_SAID,
        };
    }
    return true;
}

bool sl_leak_lines_make(const struct sl_run_result *result, const struct sl_policy *policy,
                        struct sl_arena *arena, struct sl_leak_line **ret_lines,
                        size_t *ret_n_lines)
{
    struct sl_known known;
    bool knows = policy->baseline || policy->ratchet;

    *ret_n_lines = 0;
    *ret_lines = sl_arena_array(arena, sl_cells_count_groups(result), sizeof **ret_lines);
    if (!*ret_lines || !sl_known_init(arena, policy->baseline, policy->ratchet, &known))
        return false;
    for (size_t i = 0; i < result->n_cells; i++)
        if (!add_cell(&result->cells[i], knows ? &known : NULL, arena, *ret_lines, ret_n_lines))
            return false;
    return true;
}

/* ", tinybus.c:52", or the file of the code, or nothing. */
static const char *place_text(const struct sl_page *page, const struct sl_leak_line *line)
{
    const char *file = line->file ? line->file : line->module ? sl_path_base(line->module) : NULL;
    const char *number = line->line.missing ? "" : sl_say(page, ":%" PRIu64, line->line.value);

    return file ? sl_say(page, ", %s%s", sl_say_text(page, file, "?"), number) : "";
}

static void print_line(const struct sl_page *page, const struct sl_leak_line *line)
{
    static const char *const words[] = {
        [SL_MAYBE_UNKNOWN] = "leaked",
        [SL_MAYBE_YES] = "new",
        [SL_MAYBE_NO] = "known",
    };
    const struct sl_finding *finding = line->finding;
    const char *word = line->grew ? "grew" : words[line->is_new];
    bool good = line->is_new == SL_MAYBE_NO && !line->grew;

    sl_style_print(page, good ? SL_STYLE_NONE : SL_STYLE_BAD, "%s", word);
    sl_wrap_after(page, SL_STYLE_NONE, strlen(word), 2,
                  sl_say(page, ": %" PRIu32 " x %s: %s%s, in %zu of %zu trial%s of %s (%s)",
                         line->count, sl_say_function(page, &finding->group),
                         sl_cause_text(finding->cause), place_text(page, line), line->trials.n,
                         line->trials.of, line->trials.of == 1 ? "" : "s",
                         sl_say_cell(page, line->cell),
                         sl_say_text(page, finding->group.fingerprint, "")));
    if (line->is_new == SL_MAYBE_NO && line->count > line->known.value)
        sl_style_print(page, SL_STYLE_WARN, "       the baseline has %" PRIu64 " of them at most\n",
                       line->known.value);
}

bool sl_leak_lines_print(const struct sl_page *page, const struct sl_run_result *result,
                         const struct sl_policy *policy)
{
    struct sl_leak_line *lines;
    size_t n_lines;

    if (!sl_leak_lines_make(result, policy, page->arena, &lines, &n_lines))
        return false;
    for (size_t i = 0; i < n_lines; i++)
        print_line(page, &lines[i]);
    return true;
}
