/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stress of the bus, for ThreadSanitizer: several publishers, failing handlers, small
 * queues, closers racing with everything.
 *
 * usage: stress_bus memory|nats
 *
 * Exit status 0 when every message that was accepted was handled, in order of its
 * key, or is known to be abandoned; 77 when it takes a nats-server and none is installed.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bus_probe.h"
#include "harness/server/server.h"

#define N_ROUNDS     5u /* in memory */
#define N_PUBLISHERS 4u
#define N_MESSAGES   400u /* per key */

static const char *const topics[] = {"a", "b", "c"};
#define N_TOPICS (sizeof topics / sizeof *topics)

static const char *servers; /* NULL: in memory */

struct publisher {
    pthread_t thread;
    struct probe *probe;
    unsigned index;
    bool closed; /* a publish was refused because of a close */
};

static void fail(const char *what)
{
    (void) fprintf(stderr, "stress_bus: %s\n", what);
    exit(1);
}

/* Each key belongs to one publisher and one topic. */
static void *publish_all(void *argument)
{
    struct publisher *publisher = argument;
    for (unsigned i = 0; i < N_MESSAGES && !publisher->closed; i++) {
        for (unsigned key = publisher->index; key < PROBE_KEYS; key += N_PUBLISHERS) {
            enum sl_status status =
                probe_publish(publisher->probe, topics[key % N_TOPICS], key, NULL);
            if (status == SL_ECLOSED)
                publisher->closed = true;
            else if (status)
                fail("a publish failed");
        }
    }
    return NULL;
}

static void *close_bus(void *argument)
{
    struct probe *probe = argument;
    struct sl_driver_close_report report = {.size = sizeof report};
    if (bus_close(probe->bus, 30 * SL_NS_PER_S, &report, NULL) || report.timed_out)
        fail("close did not end in time");
    return NULL;
}

static void start_publishers(struct publisher *publishers, struct probe *probe)
{
    for (unsigned i = 0; i < N_PUBLISHERS; i++) {
        publishers[i] = (struct publisher){.probe = probe, .index = i};
        if (pthread_create(&publishers[i].thread, NULL, publish_all, &publishers[i]))
            fail("no thread");
    }
}

static void join_publishers(struct publisher *publishers)
{
    for (unsigned i = 0; i < N_PUBLISHERS; i++)
        (void) pthread_join(publishers[i].thread, NULL);
}

static void open_bus(struct probe *probe, enum bus_mode mode)
{
    struct bus_config config = {.size = sizeof config,
                                .mode = mode,
                                .transport = servers ? "nats" : "memory",
                                .servers = servers,
                                .prefix = "stress_",
                                .topics = topics,
                                .n_topics = N_TOPICS,
                                .workers = 6,
                                .queue_capacity = 8,
                                .enqueue_wait_ns = SL_NS_PER_MS,
                                .ack_wait_ns = 2 * SL_NS_PER_S,
                                .on_publish = probe_on_publish,
                                .user = probe};
    if (servers && bus_purge(&config, NULL))
        fail("what the last bus left can not be removed");
    if (bus_open(&config, &probe->bus, NULL))
        fail("open failed");
    for (size_t i = 0; i < N_TOPICS; i++) {
        if (bus_subscribe(probe->bus, topics[i], probe_handle, probe, NULL))
            fail("subscribe failed");
    }
}

static void check(struct probe *probe, bool ordered)
{
    if (ordered && (atomic_load(&probe->violations) || atomic_load(&probe->duplicates)))
        fail("order or duplicates");
    if (atomic_load(&probe->overlaps))
        fail("two messages of a key at once");
}

/* Everything is handled, then two closers at once. */
static void play_to_the_end(enum bus_mode mode)
{
    static struct probe probe;
    struct publisher publishers[N_PUBLISHERS];
    pthread_t closers[2];

    probe = (struct probe){.fail_every = mode == BUS_DIRECT ? 0 : 50};
    open_bus(&probe, mode);
    start_publishers(publishers, &probe);
    join_publishers(publishers);
    if (!probe_reaches(&probe.handled, PROBE_KEYS * N_MESSAGES))
        fail("messages were lost");
    for (size_t i = 0; i < 2; i++) {
        if (pthread_create(&closers[i], NULL, close_bus, &probe))
            fail("no thread");
    }
    for (size_t i = 0; i < 2; i++)
        (void) pthread_join(closers[i], NULL);
    check(&probe, true);
    bus_free(probe.bus);
}

/* Close in the middle of it all. */
static void play_and_interrupt(enum bus_mode mode, unsigned after)
{
    static struct probe probe;
    struct publisher publishers[N_PUBLISHERS];

    probe = (struct probe){.fail_every = mode == BUS_DIRECT ? 0 : 50};
    open_bus(&probe, mode);
    start_publishers(publishers, &probe);
    if (!probe_reaches(&probe.handled, after))
        fail("nothing flows");
    (void) close_bus(&probe);
    join_publishers(publishers);
    check(&probe, true);
    bus_free(probe.bus);
}

static void play(unsigned n_rounds)
{
    static const enum bus_mode modes[] = {BUS_KEYED, BUS_UNIFIED, BUS_DIRECT};
    for (size_t i = 0; i < n_rounds * sizeof modes / sizeof *modes; i++) {
        enum bus_mode mode = modes[i % (sizeof modes / sizeof *modes)];
        play_to_the_end(mode);
        for (unsigned after = 1; after < 1000; after *= 8)
            play_and_interrupt(mode, after);
    }
}

int main(int argc, char **argv)
{
    struct sl_server *server = NULL;
    struct sl_error err = {0};

    if (argc != 2 || strcmp(argv[1], "nats") != 0) {
        play(N_ROUNDS);
        return 0;
    }
    enum sl_status status = sl_server_start(NULL, &server, &err);
    if (status == SL_ENOENT)
        return 77;
    if (status)
        fail(err.text);
    servers = sl_server_url(server);
    play(1);
    if (bus_teardown(&err))
        fail(err.text);
    sl_server_stop(server);
    return 0;
}
