/* SPDX-License-Identifier: Apache-2.0 */
/* A second fetcher of a topic, which takes from the same durable and queues with the same pool. */
#include <stdlib.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/fault/sites.h"

static void free_topic(struct topic *topic)
{
    free(topic->batch);
    pool_router_release(&topic->router);
    sync_cond_release(&topic->stop);
    sync_mutex_release(&topic->mutex);
    free(topic);
}

void fault_twin_free(struct fault_twin *twin)
{
    free_topic(twin->topic);
    free(twin);
}

static enum sl_status
copy_topic(const struct topic *topic, struct topic *twin, struct sl_error *err)
{
    struct bus *bus = topic->bus;

    *twin = (struct topic){
        .bus = bus,
        .name = topic->name,
        .index = topic->index,
        .handler = topic->handler,
        .user = topic->user,
        .running = true,
        .pool = topic->pool,
        .fault = {.is_twin = true},
    };
    sync_mutex_init(&twin->mutex);
    sync_cond_init(&twin->stop);
    twin->batch = malloc(FETCH_BATCH * sizeof *twin->batch);
    if (!twin->batch ||
        (twin->pool && !pool_router_init(&twin->router, twin->pool->n_workers, FETCH_BATCH)))
        return sl_fail(err, SL_ENOMEM, "cannot allocate another fetcher of '%s'", topic->name);
    return bus->transport->ops->subscribe(bus->transport, twin->index, &twin->subscription, err);
}

enum sl_status fault_twin_new(struct topic *topic, bool survives, bool start,
                              struct topic **ret_twin, struct sl_error *err)
{
    struct fault_state *state = topic->bus->fault_state;
    struct fault_twin *twin = calloc(1, sizeof *twin);
    struct topic *copy = calloc(1, sizeof *copy);
    if (!twin || !copy) {
        free(twin);
        free(copy);
        return sl_fail(err, SL_ENOMEM, "cannot allocate another fetcher of '%s'", topic->name);
    }
    *twin = (struct fault_twin){.topic = copy, .survives = survives};
    enum sl_status s = copy_topic(topic, copy, err);
    if (!s && start)
        s = fetcher_start(copy, err);
    if (s) {
        fault_twin_free(twin);
        return s;
    }
    sync_lock(&state->mutex);
    twin->next = state->twins;
    state->twins = twin;
    sync_unlock(&state->mutex);
    *ret_twin = copy;
    return SL_OK;
}
