/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_cycles.h"

#include <string.h>

#include "base/fail.h"
#include "harness/model/group_diff.h"
#include "harness/run/trial_result.h"

void trial_cycles_next(struct trial *trial)
{
    struct sl_trial_result *result = trial->result;
    struct sl_value threads = result->threads.before, fds = result->resources.fds_before;

    sl_observation_repeat(trial->observation);
    sl_trial_result_init(result, "the last cycle did not get so far");
    result->status = SL_TRIAL_OK;
    result->threads.before = threads;
    result->resources.fds_before = fds;
}

enum sl_status trial_cycles_count(struct trial *trial, struct sl_error *err)
{
    struct trial_cycles *cycles = &trial->cycles;
    struct sl_leak_report report;
    enum sl_status status = sl_observation_report(trial->observation, trial->arena, &report, err);

    if (status)
        return status;
    cycles->findings[cycles->n] = report.findings;
    cycles->n_findings[cycles->n++] = report.n_findings;
    return SL_OK;
}

/* What rules ignore grows as it likes.  @return false when memory is short */
static bool list_groups(const struct trial_cycles *cycles, struct sl_arena *arena,
                        struct sl_group_list lists[SL_CYCLES_MAX])
{
    for (size_t i = 0; i < cycles->n; i++) {
        size_t n = cycles->n_findings[i];
        struct sl_group_count *counts = sl_arena_array(arena, n, sizeof *counts);
        if (!counts)
            return false;
        for (size_t j = 0; j < n; j++) {
            const struct sl_finding *finding = &cycles->findings[i][j];
            const struct sl_group *group = &finding->group;
            counts[j] =
                (struct sl_group_count){group->fingerprint, finding->ignored ? 0 : group->count};
        }
        lists[i] = (struct sl_group_list){counts, n};
    }
    return true;
}

/* @return false when memory is short */
static bool describe(const struct trial_cycles *cycles, const struct sl_group_series *series,
                     struct sl_arena *arena, struct sl_cycle_group *ret_group)
{
    uint64_t *counts = sl_arena_array(arena, cycles->n, sizeof *counts);
    struct sl_cycle_group group = {.counts = counts, .n_counts = cycles->n};

    if (!counts)
        return false;
    memcpy(group.fingerprint, series->fingerprint, sizeof group.fingerprint);
    for (size_t i = 0; i < cycles->n; i++) {
        const struct sl_group_point *point = &series->points[i];
        counts[i] = point->count;
        if (point->index != SL_GROUP_ABSENT)
            group.function = cycles->findings[i][point->index].group.function;
    }
    group.kind = sl_cycles_judge(counts, cycles->n, &group.slope);
    *ret_group = group;
    return true;
}

static bool is_there(const struct sl_group_series *series, size_t n_points)
{
    for (size_t i = 0; i < n_points; i++)
        if (series->points[i].count)
            return true;
    return false;
}

enum sl_status trial_cycles_report(struct trial *trial, struct sl_error *err)
{
    const struct trial_cycles *cycles = &trial->cycles;
    struct sl_group_list lists[SL_CYCLES_MAX];
    const struct sl_group_series *series = NULL;
    size_t n = 0, n_there = 0;

    bool complete = list_groups(cycles, trial->arena, lists) &&
                    (!cycles->n || sl_group_diff(lists, cycles->n, trial->arena, &series, &n));
    struct sl_cycle_group *groups = sl_arena_array(trial->arena, n, sizeof *groups);
    complete = complete && groups;
    for (size_t i = 0; complete && i < n; i++)
        if (is_there(&series[i], cycles->n))
            complete = describe(cycles, &series[i], trial->arena, &groups[n_there++]);
    if (!complete)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu cycles", cycles->n);
    trial->result->cycles = (struct sl_cycles){.planned = trial->input->cycles,
                                               .n = (uint32_t) cycles->n,
                                               .groups = groups,
                                               .n_groups = n_there};
    return SL_OK;
}
