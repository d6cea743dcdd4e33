/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plan: which event goes where, fixed before the first one is sent.
 *
 * A key is an aggregate in a topic.  It belongs to one publisher, and its events
 * carry the numbers 1, 2, 3... in the order in which they are published.  An
 * aggregate has one topic; only when there are more topics than aggregates does
 * it have several, so that no topic stays idle.  The same load and seed give
 * the same plan.
 */
#ifndef SL_LOAD_PLAN_H
#define SL_LOAD_PLAN_H

#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "scenarios/scenario.h"

struct sl_planned_event {
    uint32_t key;
    uint32_t sequence; /* within the key, from 1 */
};

struct sl_load_plan {
    uint32_t n_events, n_keys, n_topics, n_publishers;
    struct sl_planned_event *events;
    char **topics; /* names */
    char **keys;   /* names of their aggregates */
    /* Publisher p sends events by_publisher[publisher_start[p]] to ...[publisher_start[p + 1] - 1],
       which ascend. */
    uint32_t *by_publisher;
    uint32_t *publisher_start;
};

/* @return SL_EINVAL a count is 0 or the payload is too small; SL_ENOMEM */
SL_CHECKED enum sl_status sl_load_plan_new(const struct sl_scenario_load *load, uint64_t seed,
                                           struct sl_load_plan **ret_plan, struct sl_error *err);
void sl_load_plan_free(struct sl_load_plan *plan);
SL_DEFINE_AUTO(sl_load_plan, sl_load_plan_free);

static inline uint32_t sl_load_plan_topic_of(const struct sl_load_plan *plan, uint32_t key)
{
    return key % plan->n_topics;
}

static inline uint32_t sl_load_plan_publisher_of(const struct sl_load_plan *plan, uint32_t key)
{
    return key % plan->n_publishers;
}

#endif
