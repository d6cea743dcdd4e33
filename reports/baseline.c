/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/baseline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/search.h"
#include "json/layout_macros.h"
#include "json/layout_read.h"
#include "reports/cells.h"
#include "reports/report.h"

#define SCHEMA_NAME "strandline.baseline"
#define LOOKED_AT   1024 /* bytes in which the schema stands, as it is written */

static const struct sl_field leak_fields[] = {
    SCALAR(NAME, struct sl_baseline_leak, cell),
    CHARS(struct sl_baseline_leak, "fingerprint", fingerprint),
    SCALAR(NAME, struct sl_baseline_leak, function),
    SCALAR(U32, struct sl_baseline_leak, max),
    SCALAR(NAME, struct sl_baseline_leak, reason),
};

static const char *check_leak(const void *object)
{
    const struct sl_baseline_leak *leak = object;

    if (strspn(leak->fingerprint, "0123456789abcdef") != sizeof leak->fingerprint - 1)
        return "'fingerprint' has to be 16 hexadecimal digits";
    if (!leak->max)
        return "'max' has to be 1 or more";
    return *leak->reason ? NULL : "'reason' has to say something";
}

static const struct sl_object leak_object = {FIELDS(leak_fields), .one_line = true,
                                             .check = check_leak};

static const struct sl_field baseline_fields[] = {
    SCHEMA,
    SCALAR(U32, struct sl_baseline, fingerprints),
    LIST(struct sl_baseline, "leaks", leaks, n_leaks, leak_object),
};
static const struct sl_object baseline_object = {FIELDS(baseline_fields)};

static const struct sl_layout baseline_layout = {
    .schema = SCHEMA_NAME,
    .major = 1,
    .what = "baseline",
    .root = PART(NULL, baseline_object),
};

static int
compare_places(const struct sl_baseline_leak *leak, const char *cell, const char *fingerprint)
{
    int order = strcmp(leak->cell, cell);
    return order ? order : strcmp(leak->fingerprint, fingerprint);
}

static int compare_leaks(const void *left, const void *right)
{
    const struct sl_baseline_leak *other = right;
    return compare_places(left, other->cell, other->fingerprint);
}

bool sl_baseline_is(const char *data, size_t size)
{
    static const char mark[] = "\"" SCHEMA_NAME "/";
    return memmem(data, SL_MIN(size, (size_t) LOOKED_AT), mark, sizeof mark - 1);
}

struct sl_baseline *sl_baseline_new(void)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_baseline *baseline = arena ? sl_arena_alloc(arena, sizeof *baseline) : NULL;

    if (baseline)
        *baseline = (struct sl_baseline){.arena = SL_TAKE(arena), .fingerprints = SL_FINGERPRINTS};
    return baseline;
}

void sl_baseline_free(struct sl_baseline *baseline)
{
    if (baseline)
        sl_arena_free(baseline->arena);
}

enum sl_status sl_baseline_parse(const char *name, const char *data, size_t size,
                                 struct sl_baseline **ret_baseline, struct sl_error *err)
{
    const struct sl_locate_text text = {size ? data : "", size};
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = sl_baseline_new();

    if (!baseline)
        return sl_fail(err, SL_ENOMEM, "%s: out of memory for a baseline", name);
    baseline->fingerprints = 0;
    enum sl_status status =
        sl_layout_read(&baseline_layout, name, &text, baseline->arena, baseline, err);
    if (status)
        return status;
    if (baseline->fingerprints != SL_FINGERPRINTS)
        return sl_fail_parse(err, 0, 0,
                             "%s: fingerprints of version %" PRIu32 ", but this program makes "
                             "those of version %d, so that no leak would be known again: make "
                             "the baseline anew",
                             name, baseline->fingerprints, SL_FINGERPRINTS);
    qsort(baseline->leaks, baseline->n_leaks, sizeof *baseline->leaks, compare_leaks);
    for (size_t i = 1; i < baseline->n_leaks; i++)
        if (compare_leaks(&baseline->leaks[i - 1], &baseline->leaks[i]) == 0)
            return sl_fail_parse(err, 0, 0, "%s: the leak %s is there twice", name,
                                 baseline->leaks[i].fingerprint);
    *ret_baseline = SL_TAKE(baseline);
    return SL_OK;
}

enum sl_status
sl_baseline_write(const struct sl_baseline *baseline, const char *path, struct sl_error *err)
{
    return sl_report_write_document(&baseline_layout, baseline, path, err);
}

static struct sl_baseline_leak *
find(const struct sl_baseline *baseline, const char *cell, const char *fingerprint)
{
    size_t at = SL_PARTITION_POINT(baseline->n_leaks, i,
                                   compare_places(&baseline->leaks[i], cell, fingerprint) < 0);
    bool found =
        at < baseline->n_leaks && compare_places(&baseline->leaks[at], cell, fingerprint) == 0;
    return found ? &baseline->leaks[at] : NULL;
}

uint32_t
sl_baseline_max(const struct sl_baseline *baseline, const char *cell, const char *fingerprint)
{
    const struct sl_baseline_leak *leak = find(baseline, cell, fingerprint);
    return leak ? leak->max : 0;
}

/*
 * How many of each entry a result has, at most in one trial; what was not looked at is missing.
 *
 * @param ret_grown  or NULL: leaks that have no entry, or more threads than it allows; in arena
 */
static bool look(const struct sl_baseline *baseline, const struct sl_run_result *result,
                 struct sl_arena *arena, struct sl_value **ret_seen,
                 struct sl_baseline_leak **ret_grown, size_t *ret_n_grown)
{
    struct sl_value *seen = sl_arena_array(arena, baseline->n_leaks, sizeof *seen);
    struct sl_baseline_leak *grown =
        sl_arena_array(arena, sl_cells_count_groups(result), sizeof *grown);
    size_t n_grown = 0;

    for (size_t i = 0; seen && i < baseline->n_leaks; i++)
        seen[i] = SL_NOT_SAID;
    for (size_t i = 0; seen && grown && i < result->n_cells; i++) {
        const struct sl_cell_result *cell = &result->cells[i];
        const char *name = sl_cell_name(arena, cell);
        struct sl_cell_group *groups;
        size_t n_groups;
        if (!name || !sl_cell_groups(arena, cell, &groups, &n_groups))
            return false;
        /* Leaks that nobody could look for are not mended. */
        struct sl_looked looked = sl_cell_looked(cell);
        for (size_t j = 0; looked.n && looked.n_unjoined && j < baseline->n_leaks; j++)
            if (seen[j].missing && strcmp(baseline->leaks[j].cell, name) == 0)
                seen[j] = SL_VALUE(0);
        for (size_t j = 0; j < n_groups && groups[j].finding->counted; j++) {
            const struct sl_group *group = &groups[j].finding->group;
            const struct sl_baseline_leak *leak = find(baseline, name, group->fingerprint);
            struct sl_value *of_leak = leak ? &seen[leak - baseline->leaks] : NULL;
            if (leak && (of_leak->missing || groups[j].count > of_leak->value))
                *of_leak = SL_VALUE(groups[j].count);
            if (leak && groups[j].count <= leak->max)
                continue;
            grown[n_grown] = (struct sl_baseline_leak){
                .cell = name,
                .function = group->function ? group->function : "",
                .max = groups[j].count,
            };
            memcpy(grown[n_grown++].fingerprint, group->fingerprint, sizeof group->fingerprint);
        }
    }
    *ret_seen = seen;
    *ret_grown = grown;
    *ret_n_grown = n_grown;
    return seen && grown;
}

bool sl_baseline_stale(const struct sl_baseline *baseline, const struct sl_run_result *result,
                       struct sl_arena *arena, struct sl_stale_leak **ret_stale, size_t *ret_n)
{
    struct sl_stale_leak *stale = sl_arena_array(arena, baseline->n_leaks, sizeof *stale);
    struct sl_baseline_leak *grown;
    struct sl_value *seen;
    size_t n = 0, n_grown;

    if (!stale || !look(baseline, result, arena, &seen, &grown, &n_grown))
        return false;
    for (size_t i = 0; i < baseline->n_leaks; i++)
        if (!seen[i].missing && seen[i].value < baseline->leaks[i].max)
            stale[n++] =
                (struct sl_stale_leak){&baseline->leaks[i], .seen = (uint32_t) seen[i].value};
    *ret_stale = stale;
    *ret_n = n;
    return true;
}

/* What is stale goes, in place. */
static void
shrink(struct sl_baseline *baseline, const struct sl_value *seen, struct sl_baseline_change *change)
{
    size_t n = 0;

    for (size_t i = 0; i < baseline->n_leaks; i++) {
        struct sl_baseline_leak *leak = &baseline->leaks[i];
        bool stale = !seen[i].missing && seen[i].value < leak->max;
        change->n_removed += stale && !seen[i].value;
        change->n_lowered += stale && seen[i].value;
        if (stale)
            leak->max = (uint32_t) seen[i].value;
        if (leak->max)
            baseline->leaks[n++] = *leak;
    }
    baseline->n_leaks = n;
}

/* @return false when memory is short */
static bool grow(struct sl_baseline *baseline, const struct sl_baseline_leak *grown, size_t n_grown,
                 const char *reason, struct sl_baseline_change *change)
{
    size_t n = baseline->n_leaks;
    struct sl_baseline_leak *leaks = sl_arena_array(baseline->arena, n + n_grown, sizeof *leaks);
    const char *why = sl_arena_strdup(baseline->arena, reason);

    if (!leaks || !why)
        return false;
    if (n)
        memcpy(leaks, baseline->leaks, n * sizeof *leaks);
    for (size_t i = 0; i < n_grown; i++) {
        struct sl_baseline_leak *known = find(baseline, grown[i].cell, grown[i].fingerprint);
        if (known) {
            leaks[known - baseline->leaks].max = grown[i].max;
            leaks[known - baseline->leaks].reason = why;
            change->n_raised++;
            continue;
        }
        leaks[n] = grown[i];
        leaks[n].reason = why;
        leaks[n].cell = sl_arena_strdup(baseline->arena, grown[i].cell);
        leaks[n].function = sl_arena_strdup(baseline->arena, grown[i].function);
        if (!leaks[n].cell || !leaks[n].function)
            return false;
        n++;
        change->n_added++;
    }
    qsort(leaks, n, sizeof *leaks, compare_leaks);
    baseline->leaks = leaks;
    baseline->n_leaks = n;
    return true;
}

enum sl_status sl_baseline_update(struct sl_baseline *baseline, const struct sl_run_result *result,
                                  const char *reason, struct sl_baseline_change *ret_change,
                                  struct sl_error *err)
{
    struct sl_baseline_change change = {0};
    struct sl_baseline_leak *grown;
    struct sl_value *seen;
    size_t n_grown;

    bool good = look(baseline, result, baseline->arena, &seen, &grown, &n_grown);
    if (good)
        shrink(baseline, seen, &change);
    if (good && reason)
        good = grow(baseline, grown, n_grown, reason, &change);
    if (!good)
        return sl_fail(err, SL_ENOMEM, "out of memory for a baseline");
    *ret_change = change;
    return SL_OK;
}

static int compare_groups(const void *left, const void *right)
{
    const struct sl_group *a = *(const struct sl_group *const *) left;
    const struct sl_group *b = *(const struct sl_group *const *) right;
    int order = strcmp(a->fingerprint, b->fingerprint);

    return order ? order : (a->count < b->count) - (a->count > b->count);
}

bool sl_known_init(struct sl_arena *arena, const struct sl_run_result *report,
                   const struct sl_baseline *baseline, struct sl_known *ret_known)
{
    *ret_known = (struct sl_known){.baseline = baseline};
    if (!report)
        return true;
    const struct sl_group **groups =
        sl_arena_array(arena, sl_cells_count_groups(report), sizeof *groups);
    size_t n = 0;

    if (!groups)
        return false;
    for (size_t i = 0; i < report->n_cells; i++) {
        for (size_t j = 0; j < report->cells[i].n_trials; j++) {
            const struct sl_trial_result *trial = &report->cells[i].trials[j];
            for (size_t k = 0; !trial->leaks_missing && k < trial->leaks.n_findings; k++)
                if (trial->leaks.findings[k].counted)
                    groups[n++] = &trial->leaks.findings[k].group;
        }
    }
    qsort(groups, n, sizeof *groups, compare_groups);
    *ret_known = (struct sl_known){.groups = groups, .n = n};
    return true;
}

uint32_t sl_known_count(const struct sl_known *known, const char *cell, const char *fingerprint)
{
    if (known->baseline)
        return sl_baseline_max(known->baseline, cell, fingerprint);
    size_t at =
        SL_PARTITION_POINT(known->n, i, strcmp(known->groups[i]->fingerprint, fingerprint) < 0);
    return at < known->n && strcmp(known->groups[at]->fingerprint, fingerprint) == 0
               ? known->groups[at]->count
               : 0;
}

uint32_t sl_known_most(const struct sl_known *known, const char *cell, const char *fingerprint)
{
    uint32_t count = sl_known_count(known, cell, fingerprint);
    return count && !known->baseline ? UINT32_MAX : count;
}
