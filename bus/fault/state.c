/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/state.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/engine/pool.h"
#include "bus/engine/topic.h"

static enum sl_status check_topic(const struct fault_rule *rule, const char *const *topics,
                                  size_t n_topics, struct sl_error *err)
{
    for (size_t i = 0; i < n_topics; i++) {
        if (fault_covers(rule, topics[i]))
            return SL_OK;
    }
    return sl_fail(err, SL_EINVAL, "no topic '%s' on this bus to inject a fault into", rule->topic);
}

enum sl_status fault_state_new(fault_set faults, const struct fault_rule *rules,
                               const char *const *topics, size_t n_topics,
                               struct fault_state **ret_state, struct sl_error *err)
{
    struct fault_state *state = calloc(1, sizeof *state);
    enum sl_status status = SL_OK;
    if (!state)
        return sl_fail(err, SL_ENOMEM, "out of memory for faults");
    state->faults = faults;
    for (size_t i = 0; i < N_FAULTS && !status; i++) {
        if (!(faults & FAULT_BIT(i)))
            continue;
        state->rules[i] = rules[i];
        status = check_topic(&rules[i], topics, n_topics, err);
    }
    if (status) {
        free(state);
        return status;
    }
    (void) pthread_rwlock_init(&state->publish_lock, NULL);
    sync_mutex_init(&state->mutex);
    sync_cond_init(&state->answered);
    *ret_state = state;
    return SL_OK;
}

void fault_twin_free(struct fault_twin *twin)
{
    topic_release(twin->topic);
    free(twin->topic);
    free(twin);
}

void fault_state_free(struct fault_state *state)
{
    if (!state)
        return;
    for (struct fault_twin *twin = state->twins, *next; twin; twin = next) {
        next = twin->next;
        fault_twin_free(twin);
    }
    for (struct fault_pool *pool = state->pools, *next; pool; pool = next) {
        next = pool->next;
        pool_free(pool->pool);
        free(pool);
    }
    sync_cond_release(&state->answered);
    sync_mutex_release(&state->mutex);
    (void) pthread_rwlock_destroy(&state->publish_lock);
    free(state);
}

/* The same for the same number, and as good as random over many. */
static double scatter(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    number ^= number >> 31;
    return (double) (number >> 11) * 0x1p-53;
}

bool fault_strikes(struct fault_state *state, enum fault fault, const char *topic)
{
    const struct fault_rule *rule = &state->rules[fault];

    if (!fault_covers(rule, topic))
        return false;
    uint64_t number = atomic_fetch_add(&state->n_asked[fault], 1) + 1;
    if (rule->nth && number % rule->nth != 0)
        return false;
    if (rule->prob > 0 && scatter(number) >= rule->prob)
        return false;
    return !rule->count || atomic_fetch_add(&state->n_struck[fault], 1) < rule->count;
}
