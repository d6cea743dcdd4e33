/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/twin.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/engine/fetcher.h"
#include "bus/engine/topic.h"
#include "bus/fault/state.h"

static enum sl_status
copy_topic(const struct topic *topic, struct topic *twin, struct sl_error *err)
{
    struct bus *bus = topic->bus;

    topic_init(twin, bus, topic->index);
    twin->name = topic->name;
    twin->handler = topic->handler;
    twin->user = topic->user;
    twin->running = true;
    twin->pool = topic->pool;
    twin->fault.is_twin = true;
    enum sl_status status = topic_allocate(twin, err);
    if (status)
        return status;
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
        return sl_fail(err, SL_ENOMEM, "out of memory for another fetcher of '%s'", topic->name);
    }
    *twin = (struct fault_twin){.topic = copy, .survives = survives};
    enum sl_status status = copy_topic(topic, copy, err);
    if (!status && start)
        status = fetcher_start(copy, err);
    if (status) {
        fault_twin_free(twin);
        return status;
    }
    sync_lock(&state->mutex);
    twin->next = state->twins;
    state->twins = twin;
    sync_unlock(&state->mutex);
    *ret_twin = copy;
    return SL_OK;
}
