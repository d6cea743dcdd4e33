/* SPDX-License-Identifier: Apache-2.0 */
/* Results: outcomes of publishes that wait to be taken, at most so many. */
#ifndef BUS_THREAD_RESULTS_H
#define BUS_THREAD_RESULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/bus_publish.h>

struct results {
    pthread_mutex_t mutex; /* guards everything below; taken alone */
    pthread_cond_t not_empty, not_full;
    pthread_cond_t left;
    struct bus_result *ring; /* NULL: none are kept */
    uint32_t capacity, head, count;
    uint32_t n_takers; /* inside results_take */
    bool stalled;      /* a wait for room was in vain, and nobody has taken anything since */
    bool ended;
};

enum results_put { RESULTS_PUT, RESULTS_PUT_LATE, RESULTS_DROPPED };

/* @param capacity  0: results are not kept.  @return false when memory is short */
bool results_init(struct results *results, uint32_t capacity);
void results_release(struct results *results);

/*
 * Append, waiting for room up to wait_ns (RESULTS_PUT_LATE: it had to).  After a wait in
 * vain nothing is waited for until somebody takes again: what does not fit is dropped.
 */
enum results_put
results_put(struct results *results, const struct bus_result *result, uint64_t wait_ns);

/*
 * Take up to max results, waiting for the first.
 *
 * @return how many; none: the time has passed, or *ret_ended
 */
size_t results_take(struct results *results, struct bus_result *ret_results, size_t max,
                    uint64_t until_ns, bool *ret_ended);

/* No more will come: wake who waits for one, and wait until it has left. */
void results_end(struct results *results);

#endif
