/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/plan.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/search.h"

/* SplitMix64, by Sebastiano Vigna, in the public domain. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The share of each key as a running sum: key k is drawn when u lies below sums[k] only. */
static void sum_shares(const struct sl_scenario_load *load, uint32_t n, double *sums)
{
    double sum = 0;

    for (uint32_t k = 0; k < n; k++) {
        double share = 1;
        if (load->keys == SL_KEYS_ZIPF)
            share = pow(k + 1.0, -load->keys_parameter);
        else if (load->keys == SL_KEYS_HOT && n > 1)
            share = k == 0 ? load->keys_parameter : (1 - load->keys_parameter) / (n - 1);
        sums[k] = sum += share;
    }
    for (uint32_t k = 0; k < n; k++)
        sums[k] /= sum;
    sums[n - 1] = 1; /* whatever rounding made of it */
}

static uint32_t draw_key(const double *sums, uint32_t n_keys, uint64_t *state)
{
    double u = (double) (next_random(state) >> 11) * 0x1p-53; /* in [0, 1) */
    return (uint32_t) SL_PARTITION_POINT(n_keys - 1, i, sums[i] <= u);
}

static bool
plan_events(struct sl_load_plan *plan, const struct sl_scenario_load *load, uint64_t seed)
{
    SL_AUTO_FREE double *sums = calloc(plan->n_keys, sizeof *sums);
    SL_AUTO_FREE uint32_t *sequences = calloc(plan->n_keys, sizeof *sequences);

    if (!sums || !sequences)
        return false;
    sum_shares(load, plan->n_keys, sums);
    for (uint32_t i = 0; i < plan->n_events; i++) {
        uint32_t key = draw_key(sums, plan->n_keys, &seed);
        plan->events[i] = (struct sl_planned_event){.key = key, .sequence = ++sequences[key]};
    }
    return true;
}

static bool split_by_publisher(struct sl_load_plan *plan)
{
    SL_AUTO_FREE uint32_t *next = calloc(plan->n_publishers, sizeof *next);
    if (!next)
        return false;
    for (uint32_t i = 0; i < plan->n_events; i++)
        plan->publisher_start[sl_load_plan_publisher_of(plan, plan->events[i].key) + 1]++;
    for (uint32_t p = 0; p < plan->n_publishers; p++) {
        next[p] = plan->publisher_start[p];
        plan->publisher_start[p + 1] += plan->publisher_start[p];
    }
    for (uint32_t i = 0; i < plan->n_events; i++)
        plan->by_publisher[next[sl_load_plan_publisher_of(plan, plan->events[i].key)]++] = i;
    return true;
}

static void free_names(char **names, uint32_t n)
{
    for (uint32_t i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
}

/* "topic-0", "topic-1"..., `distinct` of them and then again.  @return NULL when memory is short */
static char **make_names(const char *kind, uint32_t n, uint32_t distinct)
{
    char **names = calloc(n, sizeof *names);

    for (uint32_t i = 0; names && i < n; i++) {
        if (asprintf(&names[i], "%s-%u", kind, i % distinct) < 0) {
            free_names(names, i);
            return NULL;
        }
    }
    return names;
}

static enum sl_status check_load(const struct sl_scenario_load *load, struct sl_error *err)
{
    if (!load->events || !load->topics || !load->aggregates || !load->publishers)
        return sl_fail(err, SL_EINVAL,
                       "nothing to publish: %u events, %u topics, %u aggregates, %u publishers",
                       load->events, load->topics, load->aggregates, load->publishers);
    if (load->payload < SL_PAYLOAD_MIN)
        return sl_fail(err, SL_EINVAL, "payload of %u bytes, at least %u are needed", load->payload,
                       SL_PAYLOAD_MIN);
    return SL_OK;
}

enum sl_status sl_load_plan_new(const struct sl_scenario_load *load, uint64_t seed,
                                struct sl_load_plan **ret_plan, struct sl_error *err)
{
    enum sl_status status = check_load(load, err);
    if (status)
        return status;
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return sl_fail(err, SL_ENOMEM, "out of memory for a plan of %u events", load->events);
    plan->n_events = load->events;
    plan->n_keys = SL_MAX(load->aggregates, load->topics);
    plan->n_topics = load->topics;
    plan->n_publishers = load->publishers;
    plan->events = calloc(plan->n_events, sizeof *plan->events);
    plan->by_publisher = calloc(plan->n_events, sizeof *plan->by_publisher);
    plan->publisher_start = calloc((size_t) plan->n_publishers + 1, sizeof *plan->publisher_start);
    plan->topics = make_names("topic", plan->n_topics, plan->n_topics);
    plan->keys = make_names("aggregate", plan->n_keys, load->aggregates);
    if (!plan->events || !plan->by_publisher || !plan->publisher_start || !plan->topics ||
        !plan->keys || !plan_events(plan, load, seed) || !split_by_publisher(plan))
        return sl_fail(err, SL_ENOMEM, "out of memory for a plan of %u events", load->events);
    *ret_plan = SL_TAKE(plan);
    return SL_OK;
}

void sl_load_plan_free(struct sl_load_plan *plan)
{
    if (!plan)
        return;
    free_names(plan->topics, plan->n_topics);
    free_names(plan->keys, plan->n_keys);
    free(plan->events);
    free(plan->by_publisher);
    free(plan->publisher_start);
    free(plan);
}
