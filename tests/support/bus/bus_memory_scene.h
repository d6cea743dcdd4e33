/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the bus on the in-memory transport have in common. */
#ifndef BUS_MEMORY_SCENE_H
#define BUS_MEMORY_SCENE_H

#include "bus_scene.h"

static const enum bus_mode modes[] = {BUS_KEYED, BUS_UNIFIED, BUS_DIRECT};

static inline struct bus_config config_of(enum bus_mode mode, struct probe *probe)
{
    return (struct bus_config){.size = sizeof(struct bus_config),
                               .mode = mode,
                               .transport = "memory",
                               .topics = topics,
                               .n_topics = N_TOPICS,
                               .workers = 8,
                               .on_publish = probe_on_publish,
                               .user = probe};
}

static inline void close_cleanly(struct probe *probe)
{
    struct sl_driver_close_report report = close_probe(probe, 20 * SL_NS_PER_S, SL_OK);
    struct sl_driver_stats stats = {.size = sizeof stats};
    cr_assert_not(report.timed_out);
    cr_assert_eq(report.threads_abandoned, 0);
    cr_assert_str_eq(report.detail, "");
    bus_stats(probe->bus, &stats);
    cr_assert_eq(stats.threads, 0, "all were joined");
    bus_free(probe->bus);
}

/* Tells that it was entered and waits to be let go. */
struct hang {
    struct probe probe; /* first: user of both handlers */
    atomic_uint entered;
    atomic_bool released;
};

static inline enum sl_status hang_handle(void *user, const struct sl_message *message)
{
    struct hang *hang = user;
    atomic_fetch_add(&hang->entered, 1);
    while (!atomic_load(&hang->released))
        sl_clock_sleep_ns(SL_NS_PER_MS);
    return probe_handle(&hang->probe, message);
}

#endif
