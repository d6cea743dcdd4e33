/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/settle/late.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/fingerprint.h"
#include "harness/leak/stack/frame.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Ends of the bins; the last one is open. */
static const uint64_t bin_ends[] = {
    1 * SL_NS_PER_MS,   2 * SL_NS_PER_MS,  5 * SL_NS_PER_MS,   10 * SL_NS_PER_MS,
    20 * SL_NS_PER_MS,  50 * SL_NS_PER_MS, 100 * SL_NS_PER_MS, 200 * SL_NS_PER_MS,
    500 * SL_NS_PER_MS, SL_NS_PER_S,       2 * SL_NS_PER_S,    5 * SL_NS_PER_S,
    10 * SL_NS_PER_S,   20 * SL_NS_PER_S,  60 * SL_NS_PER_S,   3600 * SL_NS_PER_S,
};

struct late {
    const struct sl_late_thread *thread;
    const struct sl_thread *seen; /* right after the work, or NULL */
    uint64_t fingerprint;         /* 0: not seen */
};

static int compare_late(const void *left, const void *right)
{
    const struct late *a = left, *b = right;
    int order = COMPARE(a->fingerprint, b->fingerprint);
    return order ? order : COMPARE(a->thread->delay_ns, b->thread->delay_ns);
}

static int compare_groups(const void *left, const void *right)
{
    const struct sl_late_group *a = left, *b = right;
    return a->count != b->count ? COMPARE(b->count, a->count)
                                : strcmp(a->fingerprint, b->fingerprint);
}

static struct late find(const struct sl_snapshot *closed, const struct sl_late_thread *thread)
{
    const struct sl_thread *seen = closed ? sl_snapshot_find(closed, (uint64_t) thread->tid) : NULL;

    if (seen && (!seen->stack || seen->start_time != thread->start_time))
        seen = NULL;
    return (struct late){thread, seen, seen ? fingerprint_of_thread(seen) : 0};
}

/* n threads of one fingerprint, by ascending delay.  @return false when memory is short */
static bool
make_group(const struct late *late, size_t n, struct sl_arena *arena, struct sl_late_group *group)
{
    struct sl_late_bin *bins = sl_arena_array(arena, SL_COUNT_OF(bin_ends), sizeof *bins);
    const struct sl_thread *seen = late->seen;

    *group = (struct sl_late_group){
        .count = (uint32_t) n,
        .function = seen ? sl_leak_headline(arena, seen->stack) : NULL,
        .bins = bins,
    };
    memcpy(group->thread_name, late->thread->name, sizeof group->thread_name);
    if (seen)
        (void) snprintf(group->fingerprint, sizeof group->fingerprint, "%016" PRIx64,
                        late->fingerprint);
    for (size_t i = 0, bin = 0; bins && i < n; i++) {
        while (bin + 1 < SL_COUNT_OF(bin_ends) && late[i].thread->delay_ns > bin_ends[bin])
            bin++;
        if (!group->n_bins || bins[group->n_bins - 1].up_to_ns != bin_ends[bin])
            bins[group->n_bins++].up_to_ns = bin_ends[bin];
        bins[group->n_bins - 1].count++;
    }
    return bins && (group->function || !seen);
}

enum sl_status late_report(const struct sl_late_thread *late_threads, size_t n,
                           const struct sl_snapshot *closed, struct sl_arena *arena,
                           struct sl_leak_report *report, struct sl_error *err)
{
    size_t n_groups = 0, end;
    struct sl_late_thread *threads = sl_arena_array(arena, n, sizeof *threads);
    struct sl_late_group *groups = sl_arena_array(arena, n, sizeof *groups);
    SL_AUTO_FREE struct late *late = calloc(n + 1, sizeof *late);
    bool made = threads && groups && late;

    for (size_t i = 0; made && i < n; i++) {
        threads[i] = late_threads[i];
        late[i] = find(closed, &threads[i]);
    }
    if (made)
        qsort(late, n, sizeof *late, compare_late);
    for (size_t i = 0; made && i < n; i = end) {
        for (end = i + 1; end < n && late[end].fingerprint == late[i].fingerprint;)
            end++;
        made = make_group(&late[i], end - i, arena, &groups[n_groups++]);
    }
    if (!made)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu late threads", n);
    qsort(groups, n_groups, sizeof *groups, compare_groups);
    report->late = (uint32_t) n;
    report->late_threads = threads;
    report->n_late_threads = n;
    report->late_groups = groups;
    report->n_late_groups = n_groups;
    return SL_OK;
}
