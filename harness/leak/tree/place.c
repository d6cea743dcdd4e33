/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/tree/place.h"

#include <string.h>

#include "harness/leak/stack/frame.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static bool waits_at_place(const struct sl_wait *wait)
{
    return wait->lock || wait->far_end;
}

static int compare_ends(const struct sl_wait *a, const struct sl_wait *b)
{
    int order = strcmp(a->target ? a->target : "", b->target ? b->target : "");
    if (!order)
        order = COMPARE(a->syscall_nr, b->syscall_nr);
    return order ? order : COMPARE(a->far_end->descriptors[0], b->far_end->descriptors[0]);
}

/* 0: they wait at one place. */
static int compare_waits(const struct sl_wait *a, const struct sl_wait *b)
{
    int order = COMPARE(!a->lock, !b->lock);
    if (order)
        return order;
    return a->lock ? COMPARE(a->lock->object, b->lock->object) : compare_ends(a, b);
}

static int compare_threads(const void *left, const void *right)
{
    const struct sl_thread *const *a = left, *const *b = right;
    int order = compare_waits(&(*a)->wait, &(*b)->wait);
    return order ? order : COMPARE((*a)->id, (*b)->id);
}

static int compare_places(const void *left, const void *right)
{
    const struct sl_wait_place *a = left, *b = right;
    int order = COMPARE(!a->object, !b->object);
    if (!order)
        order = COMPARE(b->count, a->count);
    return order ? order : COMPARE(a->ids[0], b->ids[0]);
}

static bool name_thread(const struct sl_thread *thread, struct sl_arena *arena,
                        const char **ret_name, const char **ret_function)
{
    *ret_name = sl_arena_strdup(arena, thread->name);
    *ret_function = sl_leak_headline(arena, thread->stack);
    return *ret_name && *ret_function;
}

static bool fill_lock(const struct sl_snapshot *snapshot, const struct sl_lock *lock,
                      struct sl_arena *arena, struct sl_wait_place *place)
{
    struct sl_wait_candidate *candidates =
        sl_arena_array(arena, lock->n_candidates, sizeof *candidates);

    place->what = sl_arena_strdup(arena, lock->what);
    place->object = lock->object;
    place->searched = lock->searched;
    place->candidates = candidates;
    if (!candidates || !place->what)
        return false;
    for (size_t i = 0; i < lock->n_candidates; i++) {
        const struct sl_thread *thread = sl_snapshot_find(snapshot, lock->candidates[i]);
        struct sl_wait_candidate *candidate = &candidates[place->n_candidates];
        if (!thread)
            continue;
        candidate->id = thread->id;
        if (!name_thread(thread, arena, &candidate->name, &candidate->function))
            return false;
        place->n_candidates++;
    }
    return true;
}

static bool
fill_end(const struct sl_wait *wait, struct sl_arena *arena, struct sl_wait_place *place)
{
    const size_t n = wait->far_end->n_descriptors;
    const char *call = sl_wait_call_text(wait);
    uint64_t *descriptors = sl_arena_array(arena, n, sizeof *descriptors);

    place->what = sl_arena_strdup(arena, wait->target ? wait->target : "a descriptor");
    place->call = sl_arena_strdup(arena, call ? call : sl_wait_kind_text(wait->kind));
    place->descriptors = descriptors;
    place->n_descriptors = n;
    if (!descriptors || !place->what || !place->call)
        return false;
    for (size_t i = 0; i < n; i++)
        descriptors[i] = (uint64_t) wait->far_end->descriptors[i];
    return true;
}

static bool fill(const struct sl_snapshot *snapshot, const struct sl_thread *const *threads,
                 size_t n, struct sl_arena *arena, struct sl_wait_place *place)
{
    const struct sl_wait *wait = &threads[0]->wait;

    for (size_t i = 0; i < n; i++) {
        place->count += threads[i]->count;
        if (place->n_ids < SL_GROUP_SAMPLE)
            place->ids[place->n_ids++] = threads[i]->id;
    }
    return name_thread(threads[0], arena, &place->name, &place->function) &&
           (wait->lock ? fill_lock(snapshot, wait->lock, arena, place)
                       : fill_end(wait, arena, place));
}

bool place_list(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                const struct sl_wait_place **ret_places, size_t *ret_n_places)
{
    size_t n_threads = 0, n_places = 0;

    for (size_t i = 0; i < snapshot->n_threads; i++)
        n_threads += waits_at_place(&snapshot->threads[i].wait);
    const struct sl_thread **threads = sl_arena_array(arena, n_threads, sizeof *threads);
    struct sl_wait_place *places = sl_arena_array(arena, n_threads, sizeof *places);
    if (!threads || !places)
        return false;
    n_threads = 0;
    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (waits_at_place(&snapshot->threads[i].wait))
            threads[n_threads++] = &snapshot->threads[i];
    qsort(threads, n_threads, sizeof *threads, compare_threads);
    for (size_t i = 0, n; i < n_threads; i += n) {
        for (n = 1;
             i + n < n_threads && compare_waits(&threads[i]->wait, &threads[i + n]->wait) == 0;)
            n++;
        if (!fill(snapshot, threads + i, n, arena, &places[n_places++]))
            return false;
    }
    qsort(places, n_places, sizeof *places, compare_places);
    *ret_places = places;
    *ret_n_places = n_places;
    return true;
}
