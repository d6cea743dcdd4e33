/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/results.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/sync.h"

bool results_init(struct results *results, uint32_t capacity)
{
    *results = (struct results){.capacity = capacity};
    sync_mutex_init(&results->mutex);
    sync_cond_init(&results->not_empty);
    sync_cond_init(&results->not_full);
    sync_cond_init(&results->left);
    if (capacity > 0)
        results->ring = malloc(capacity * sizeof *results->ring);
    return results->ring || capacity == 0;
}

void results_release(struct results *results)
{
    free(results->ring);
    sync_cond_release(&results->left);
    sync_cond_release(&results->not_full);
    sync_cond_release(&results->not_empty);
    sync_mutex_release(&results->mutex);
}

enum results_put
results_put(struct results *results, const struct bus_result *result, uint64_t wait_ns)
{
    enum results_put how = RESULTS_PUT;
    uint64_t until_ns = 0;
    bool in_time = true;

    sync_lock(&results->mutex);
    while (results->count == results->capacity && !results->stalled && in_time) {
        if (how == RESULTS_PUT)
            until_ns = sync_deadline(wait_ns);
        how = RESULTS_PUT_LATE;
        in_time = sync_wait_until(&results->not_full, &results->mutex, until_ns);
    }
    if (results->count == results->capacity) {
        results->stalled = true;
        how = RESULTS_DROPPED;
    } else {
        results->ring[(results->head + results->count++) % results->capacity] = *result;
        sync_signal(&results->not_empty);
    }
    sync_unlock(&results->mutex);
    return how;
}

size_t results_take(struct results *results, struct bus_result *ret_results, size_t max,
                    uint64_t until_ns, bool *ret_ended)
{
    bool in_time = true;
    sync_lock(&results->mutex);
    results->n_takers++;
    while (results->count == 0 && !results->ended && in_time)
        in_time = sync_wait_until(&results->not_empty, &results->mutex, until_ns);
    size_t n = SL_MIN(max, (size_t) results->count);
    for (size_t i = 0; i < n; i++)
        ret_results[i] = results->ring[(results->head + i) % results->capacity];
    if (n > 0) {
        results->head = (uint32_t) ((results->head + n) % results->capacity);
        results->count -= (uint32_t) n;
        results->stalled = false;
        sync_broadcast(&results->not_full);
    }
    *ret_ended = results->ended;
    if (--results->n_takers == 0)
        sync_broadcast(&results->left);
    sync_unlock(&results->mutex);
    return n;
}

void results_end(struct results *results)
{
    sync_lock(&results->mutex);
    results->ended = true;
    sync_broadcast(&results->not_empty);
    while (results->n_takers > 0)
        (void) sync_wait_until(&results->left, &results->mutex, SYNC_FOREVER);
    sync_unlock(&results->mutex);
}
