/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several threads stamp and publish envelopes in both formats while another one takes
 * the metrics: no counter falls, no gauge leaves its range, every event arrives.
 */
#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <strandline/bus_metrics.h>
#include <strandline/envelope.h>

#include "base/clock.h"

#define N_PUBLISHERS 4
#define N_EVENTS     3000 /* of each publisher */
#define N_ALL        ((uint64_t) N_PUBLISHERS * N_EVENTS)

static const char *const topics[] = {"orders"};

struct scene {
    struct bus *bus;
    atomic_uint received;
    atomic_bool done;
};

static enum sl_status receive(void *user, const struct sl_message *message)
{
    struct scene *scene = user;
    struct bus_envelope event = {.size = sizeof event};
    EXPECT(bus_envelope_receive(message, &event, NULL) == SL_OK);
    bus_envelope_release(&event);
    atomic_fetch_add(&scene->received, 1);
    return SL_OK;
}

static void *publish_events(void *argument)
{
    struct scene *scene = argument;
    struct bus_uuid last = {{0}};
    for (int i = 0; i < N_EVENTS; i++) {
        struct bus_envelope event = {.size = sizeof event,
                                     .aggregate_id = "order-7",
                                     .event_type = "OrderPlaced",
                                     .event_version = 1 + i,
                                     .payload = "{}",
                                     .payload_size = 2};
        enum bus_envelope_format format = i % 2 ? BUS_ENVELOPE_JSON : BUS_ENVELOPE_BINARY;
        EXPECT(bus_envelope_stamp(&event, NULL) == SL_OK);
        EXPECT(memcmp(&event.event_id, &last, sizeof last) > 0);
        last = event.event_id;
        EXPECT(bus_publish_envelope(scene->bus, topics[0], &event, format, 0, NULL) == SL_OK);
    }
    return NULL;
}

static void *watch_metrics(void *argument)
{
    struct scene *scene = argument;
    struct bus_metrics last = {.size = sizeof last};
    while (!atomic_load(&scene->done)) {
        struct bus_metrics now = {.size = sizeof now};
        bus_metrics_take(scene->bus, &now);
        EXPECT(now.published >= last.published && now.accepted >= last.accepted);
        EXPECT(now.fetched >= last.fetched && now.acked >= last.acked);
        EXPECT(now.accepted <= now.published && now.publishes_pending <= N_ALL);
        EXPECT(now.acked <= now.fetched && now.held <= N_ALL);
        last = now;
    }
    return NULL;
}

int main(void)
{
    struct scene scene = {.received = 0};
    struct bus_config config = {.size = sizeof config,
                                .mode = BUS_UNIFIED,
                                .transport = "memory",
                                .topics = topics,
                                .n_topics = 1,
                                .workers = 4};
    pthread_t publishers[N_PUBLISHERS], watcher;
    struct bus_metrics metrics = {.size = sizeof metrics};

    EXPECT(bus_open(&config, &scene.bus, NULL) == SL_OK);
    EXPECT(bus_subscribe(scene.bus, topics[0], receive, &scene, NULL) == SL_OK);
    EXPECT(pthread_create(&watcher, NULL, watch_metrics, &scene) == 0);
    for (size_t i = 0; i < N_PUBLISHERS; i++)
        EXPECT(pthread_create(&publishers[i], NULL, publish_events, &scene) == 0);
    for (size_t i = 0; i < N_PUBLISHERS; i++)
        EXPECT(pthread_join(publishers[i], NULL) == 0);
    while (atomic_load(&scene.received) < N_ALL)
        sl_clock_sleep_ns(SL_NS_PER_MS);
    EXPECT(bus_close(scene.bus, 60 * SL_NS_PER_S, NULL, NULL) == SL_OK);
    atomic_store(&scene.done, true);
    EXPECT(pthread_join(watcher, NULL) == 0);

    bus_metrics_take(scene.bus, &metrics);
    EXPECT(metrics.published == N_ALL && metrics.accepted == N_ALL);
    EXPECT(metrics.fetched == N_ALL && metrics.acked == N_ALL && metrics.held == 0);
    bus_free(scene.bus);
    return 0;
}
