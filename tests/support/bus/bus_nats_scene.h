/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the bus on a nats-server have in common. */
#ifndef BUS_NATS_SCENE_H
#define BUS_NATS_SCENE_H

#include "bus_scene.h"
#include "nats_server.h"

#define DEADLINE_NS (60 * SL_NS_PER_S)

/* A test on a server of its own, at whose end no bus has anything of the client library. */
#define SERVER_TEST(suite, name)                                                                   \
    static void suite##_##name##_on(struct server *server);                                        \
    SL_TEST(suite, name)                                                                           \
    {                                                                                              \
        struct sl_error torn = {0};                                                                \
        struct server server;                                                                      \
        server_start(&server, true);                                                               \
        suite##_##name##_on(&server);                                                              \
        sl_assert_ok(bus_teardown(&torn), &torn);                                                  \
        server_stop(&server);                                                                      \
    }                                                                                              \
    static void suite##_##name##_on(struct server *server)

static inline struct bus_config
config_of(enum bus_mode mode, const struct server *server, struct probe *probe)
{
    return (struct bus_config){.size = sizeof(struct bus_config),
                               .mode = mode,
                               .transport = "nats",
                               .servers = server->url,
                               .prefix = "test_",
                               .topics = topics,
                               .n_topics = N_TOPICS,
                               .workers = 8,
                               .on_publish = probe_on_publish,
                               .user = probe};
}

static inline struct sl_driver_close_report
close_and_free(struct probe *probe, uint64_t deadline_ns, enum sl_status expected)
{
    struct sl_driver_close_report report = close_probe(probe, deadline_ns, expected);
    bus_free(probe->bus);
    return report;
}

#endif
