/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/topic.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/engine/pool.h"

struct topic *topic_find(const struct bus *bus, const char *name)
{
    for (size_t i = 0; name && i < bus->n_topics; i++) {
        if (strcmp(bus->topics[i].name, name) == 0)
            return &bus->topics[i];
    }
    return NULL;
}

void topic_init(struct topic *topic, struct bus *bus, size_t index)
{
    topic->bus = bus;
    topic->index = index;
    sync_mutex_init(&topic->mutex);
    sync_cond_init(&topic->stop);
}

enum sl_status topic_allocate(struct topic *topic, struct sl_error *err)
{
    const struct bus_config *config = &topic->bus->config;

    if (!topic->batch)
        topic->batch = malloc(FETCH_BATCH * sizeof *topic->batch);
    bool complete = topic->batch;
    if (complete && config->mode != BUS_DIRECT && !topic->router.first)
        complete = pool_router_init(&topic->router, config->workers, FETCH_BATCH);
    if (!complete)
        return sl_fail(err, SL_ENOMEM, "out of memory for topic '%s'", topic->name);
    return SL_OK;
}

void topic_release(struct topic *topic)
{
    free(topic->batch);
    pool_router_release(&topic->router);
    sync_cond_release(&topic->stop);
    sync_mutex_release(&topic->mutex);
}
