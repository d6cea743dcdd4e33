/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/settle/settle.h"

#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"

#define WAIT_MIN_NS   SL_NS_PER_MS
#define WAIT_MAX_NS   (50 * SL_NS_PER_MS)
#define HOLD_STILL_NS (100 * SL_NS_PER_MS)

/*
 * A thread seen after Close.  It is kept when it has ended: a listing of
 * /proc/PID/task that changes underneath can miss a thread once, and that thread
 * must not be late and a leak at the same time.
 */
struct track {
    struct sl_settle_thread thread;
    uint64_t seen_ns; /* first look that saw it */
    bool ended;
    uint64_t ended_ns; /* first look that missed it, once it has ended */
};

struct sl_settle {
    struct sl_settle_thread *baseline; /* sorted */
    size_t n_baseline;
    uint64_t closed_ns, window_ns;
    uint64_t next_wait_ns;
    struct track *tracks; /* sorted */
    size_t n_tracks;
    struct sl_late_thread *late;
    size_t n_late;
};

static int compare_threads(const void *a, const void *b)
{
    const struct sl_settle_thread *left = a, *right = b;
    if (left->tid != right->tid)
        return left->tid < right->tid ? -1 : 1;
    if (left->start_time != right->start_time)
        return left->start_time < right->start_time ? -1 : 1;
    return 0;
}

/* Sorted copy from malloc, or NULL. */
static struct sl_settle_thread *sort_threads(const struct sl_settle_thread *threads, size_t n)
{
    struct sl_settle_thread *sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted)
        return NULL;
    if (n)
        memcpy(sorted, threads, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_threads);
    return sorted;
}

enum sl_status sl_settle_new(const struct sl_settle_thread *baseline, size_t n_baseline,
                             uint64_t closed_ns, uint64_t window_ns, struct sl_settle **ret_settle,
                             struct sl_error *err)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = calloc(1, sizeof *settle);
    if (settle)
        settle->baseline = sort_threads(baseline, n_baseline);
    if (!settle || !settle->baseline)
        return sl_fail(err, SL_ENOMEM, "out of memory for a baseline of %zu threads", n_baseline);
    settle->n_baseline = n_baseline;
    settle->closed_ns = closed_ns;
    settle->window_ns = window_ns;
    settle->next_wait_ns = WAIT_MIN_NS;
    *ret_settle = SL_TAKE(settle);
    return SL_OK;
}

void sl_settle_free(struct sl_settle *settle)
{
    if (!settle)
        return;
    free(settle->baseline);
    free(settle->tracks);
    free(settle->late);
    free(settle);
}

static bool is_baseline(const struct sl_settle *settle, const struct sl_settle_thread *thread)
{
    return bsearch(thread, settle->baseline, settle->n_baseline, sizeof *thread, compare_threads);
}

/* What one look does to a thread that was known; thread is NULL when the look missed it. */
static struct track
update_track(struct track track, const struct sl_settle_thread *thread, uint64_t now_ns)
{
    if (thread) {
        track.thread = *thread; /* its name may change, and it may turn out to be a library's */
        track.ended = false;
    } else if (!track.ended) {
        track.ended = true;
        track.ended_ns = now_ns;
    }
    return track;
}

/* Merge the look, which is sorted, into the tracks.  @return number of tracks written to merged */
static size_t merge_look(const struct sl_settle *settle, uint64_t now_ns,
                         const struct sl_settle_thread *look, size_t n_look, struct track *merged)
{
    size_t n = 0, old = 0, new = 0;
    while (old < settle->n_tracks || new < n_look) {
        const struct track *track = old < settle->n_tracks ? &settle->tracks[old] : NULL;
        const struct sl_settle_thread *thread = new < n_look ? &look[new] : NULL;
        int order = !track ? 1 : !thread ? -1 : compare_threads(&track->thread, thread);
        if (order <= 0) {
            merged[n++] = update_track(*track, order == 0 ? thread : NULL, now_ns);
            old++;
        } else if (!is_baseline(settle, thread)) {
            merged[n++] = (struct track){.thread = *thread, .seen_ns = now_ns};
        }
        new += order >= 0;
    }
    return n;
}

static int compare_late(const void *a, const void *b)
{
    const struct sl_late_thread *left = a, *right = b;
    if (left->delay_ns != right->delay_ns)
        return left->delay_ns < right->delay_ns ? -1 : 1;
    return (left->tid > right->tid) - (left->tid < right->tid);
}

/* The array has room for all tracks. */
static void list_late(struct sl_settle *settle)
{
    settle->n_late = 0;
    for (size_t i = 0; i < settle->n_tracks; i++) {
        const struct track *track = &settle->tracks[i];
        if (!track->ended)
            continue;
        struct sl_late_thread *late = &settle->late[settle->n_late++];
        *late = (struct sl_late_thread){.tid = track->thread.tid,
                                        .start_time = track->thread.start_time,
                                        .delay_ns = track->ended_ns - settle->closed_ns};
        memcpy(late->name, track->thread.name, sizeof late->name);
    }
    qsort(settle->late, settle->n_late, sizeof *settle->late, compare_late);
}

/* Since when the library threads are the same ones; *ret_n_others are alive beside them. */
static uint64_t
holds_still_since(const struct sl_settle *settle, size_t *ret_n_libraries, size_t *ret_n_others)
{
    uint64_t since_ns = settle->closed_ns;
    size_t n_libraries = 0, n_others = 0;
    for (size_t i = 0; i < settle->n_tracks; i++) {
        const struct track *track = &settle->tracks[i];
        if (track->thread.library)
            since_ns = SL_MAX(since_ns, track->ended ? track->ended_ns : track->seen_ns);
        if (!track->ended)
            ++*(track->thread.library ? &n_libraries : &n_others);
    }
    *ret_n_libraries = n_libraries;
    *ret_n_others = n_others;
    return since_ns;
}

static struct sl_settle_step decide(struct sl_settle *settle, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - settle->closed_ns;
    size_t n_libraries, n_others;
    uint64_t held_ns = now_ns - holds_still_since(settle, &n_libraries, &n_others);

    if (passed_ns >= settle->window_ns || (!n_others && (!n_libraries || held_ns >= HOLD_STILL_NS)))
        return (struct sl_settle_step){.done = true};

    /* Never sleep past the moment at which the answer is certain. */
    uint64_t wait_ns = SL_MIN(settle->next_wait_ns, settle->window_ns - passed_ns);
    if (!n_others)
        wait_ns = SL_MIN(wait_ns, HOLD_STILL_NS - held_ns);
    settle->next_wait_ns = SL_MIN(2 * settle->next_wait_ns, WAIT_MAX_NS);
    return (struct sl_settle_step){.wait_ns = wait_ns};
}

enum sl_status sl_settle_feed(struct sl_settle *settle, uint64_t now_ns,
                              const struct sl_settle_thread *threads, size_t n_threads,
                              struct sl_settle_step *ret_step, struct sl_error *err)
{
    size_t room = settle->n_tracks + n_threads + 1;
    SL_AUTO_FREE struct sl_settle_thread *look = sort_threads(threads, n_threads);
    SL_AUTO_FREE struct track *merged = calloc(room, sizeof *merged);
    SL_AUTO_FREE struct sl_late_thread *late = calloc(room, sizeof *late);
    if (!look || !merged || !late)
        return sl_fail(err, SL_ENOMEM, "out of memory to compare %zu threads", n_threads);

    now_ns = SL_MAX(now_ns, settle->closed_ns);
    size_t n_merged = merge_look(settle, now_ns, look, n_threads, merged);
    free(settle->tracks);
    settle->tracks = SL_TAKE(merged);
    settle->n_tracks = n_merged;
    free(settle->late);
    settle->late = SL_TAKE(late);
    list_late(settle);
    *ret_step = decide(settle, now_ns);
    return SL_OK;
}

void sl_settle_late(const struct sl_settle *settle, const struct sl_late_thread **ret_late,
                    size_t *ret_n_late)
{
    *ret_late = settle->late;
    *ret_n_late = settle->n_late;
}
