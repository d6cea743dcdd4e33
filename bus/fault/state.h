/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bus with faults has besides: the rules of the faults that are on, and what
 * they made.  A bus without faults has none.
 */
#ifndef BUS_FAULT_STATE_H
#define BUS_FAULT_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <strandline/error.h>

#include "bus/engine/faults.h"

struct bus;
struct pool;
struct topic;

/* A second fetcher of a topic: a topic of its own, with the pool of the first. */
struct fault_twin {
    struct fault_twin *next;
    struct topic *topic;
    bool survives; /* Close does not know of it */
};

struct fault_pool {
    struct fault_pool *next;
    struct pool *pool;
};

struct fault_state {
    fault_set faults;
    struct fault_rule rules[N_FAULTS];
    atomic_uint_fast64_t n_asked[N_FAULTS], n_struck[N_FAULTS];

    pthread_rwlock_t publish_lock; /* close-locks-out-handlers; taken before any other lock */

    pthread_mutex_t mutex; /* guards the rest; innermost */
    pthread_cond_t answered;
    uint64_t n_unanswered; /* close-waits-for-acks */
    struct fault_twin *twins;
    struct fault_pool *pools;
};

/* @return SL_ENOMEM; SL_EINVAL a rule is for a topic that is not among these */
SL_CHECKED enum sl_status fault_state_new(fault_set faults, const struct fault_rule *rules,
                                          const char *const *topics, size_t n_topics,
                                          struct fault_state **ret_state, struct sl_error *err);

/* Both when all threads were joined. */
void fault_state_free(struct fault_state *state); /* NULL is allowed */
void fault_twin_free(struct fault_twin *twin);

/* Is it this time's turn to strike, by nth, prob, count and topic?  Of a fault that is on. */
bool fault_strikes(struct fault_state *state, enum fault fault, const char *topic);

#endif
