/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on a nats-server that dies, and may come back. */
#include "sl_test.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strandline/bus_fault.h>
#include <strandline/bus_metrics.h>

#include "bus_nats_scene.h"
#include "until.h"

SERVER_TEST(bus_nats_restart, a_dead_server_ends_in_unknown_outcomes_and_close_in_its_deadline)
{
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    unsigned before = count_threads();
    struct bus_config config = config_of(BUS_KEYED, server, &probe);
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 100);
    sl_assert_ok(bus_flush(probe.bus, DEADLINE_NS, &err), &err);
    server_kill(server);
    publish_round(&probe, 50);
    sl_assert_fails(bus_flush(probe.bus, 100 * SL_NS_PER_MS, &err), SL_ETIMEDOUT, &err, "outcome");
    uint64_t begin_ns = sl_clock_now_ns();
    struct sl_driver_close_report report = close_and_free(&probe, SL_NS_PER_S, SL_OK);
    cr_assert_lt(sl_clock_now_ns() - begin_ns, 5 * SL_NS_PER_S);
    cr_assert_eq(report.publishes_unknown, 50);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 100);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_UNKNOWN]), 50);
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
}

SERVER_TEST(bus_nats_restart, a_publish_that_waits_for_a_dead_server_is_ended_by_close)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    config.max_pending = 10;
    open_probe(&probe, &config, probe_handle);
    server_kill(server);
    publish_round(&probe, 25); /* blocks until outcomes become unknown, twice */
    cr_assert(probe_reaches(&probe.outcomes[SL_PUBLISH_UNKNOWN], 15));
    (void) close_and_free(&probe, SL_NS_PER_S, SL_OK);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_UNKNOWN]), 25);
}

SERVER_TEST(bus_nats_restart, delivery_goes_on_after_a_restart_of_the_server)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    config.storage = BUS_STORAGE_FILE;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 200);
    cr_assert(probe_reaches(&probe.handled, 200));
    server_kill(server);
    server_start_again(server);
    unsigned expected = 200;
    uint64_t until_ns = sl_clock_now_ns() + DEADLINE_NS;
    while (atomic_load(&probe.handled) < expected + PROBE_KEYS && sl_clock_now_ns() < until_ns) {
        publish_round(&probe, PROBE_KEYS);
        sl_clock_sleep_ns(100 * SL_NS_PER_MS);
    }
    cr_assert_geq(atomic_load(&probe.handled), expected + PROBE_KEYS);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

#define N_TRIES 4u

/* In the place of a server: hangs up on N_TRIES connections.  @return ns from first to last */
static uint64_t hang_up(const struct server *server)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port =
                                            htons((uint16_t) atoi(strrchr(server->url, ':') + 1))};
    const struct timeval patience = {.tv_sec = 30};
    uint64_t first_ns = 0;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    cr_assert_eq(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    cr_assert_eq(bind(listener, (const struct sockaddr *) &address, sizeof address), 0);
    cr_assert_eq(listen(listener, 1), 0);
    for (unsigned i = 0; i < N_TRIES; i++) {
        int connection = accept(listener, NULL, NULL);
        cr_assert_geq(connection, 0);
        (void) close(connection);
        if (i == 0)
            first_ns = sl_clock_now_ns();
    }
    (void) close(listener);
    return sl_clock_now_ns() - first_ns;
}

/* The library's own pause is two seconds, each time. */
SERVER_TEST(bus_nats_restart, a_lost_server_is_tried_again_soon_and_then_less_often)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_DIRECT, server, &probe);
    open_probe(&probe, &config, probe_handle);
    server_kill(server);
    cr_assert_lt(hang_up(server), (N_TRIES - 1) * 1900 * SL_NS_PER_MS);
    (void) close_and_free(&probe, SL_NS_PER_S, SL_OK);
}

#define N_LARGE 40u
#define LARGE   (512u * 1024) /* in all more than the library buffers for a lost connection */

static void *publish_large(void *user)
{
    struct probe *probe = user;
    const struct sl_message message = {
        .topic = topics[0], .payload = calloc(1, LARGE), .payload_size = LARGE};
    for (unsigned i = 0; i < N_LARGE; i++)
        atomic_fetch_add(bus_publish(probe->bus, &message, i, NULL) ? &probe->failures
                                                                    : &probe->published[0],
                         1);
    free((void *) message.payload);
    return NULL;
}

SERVER_TEST(bus_nats_restart, a_publish_that_finds_no_room_waits_for_the_server)
{
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    pthread_t publisher;
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    config.storage = BUS_STORAGE_FILE;
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    server_kill(server);
    cr_assert_eq(pthread_create(&publisher, NULL, publish_large, &probe), 0);
    cr_assert(probe_reaches(&probe.published[0], 15), "8 MiB are buffered");
    server_start_again(server);
    (void) pthread_join(publisher, NULL);
    cr_assert_eq(atomic_load(&probe.failures), 0);
    sl_assert_ok(bus_flush(probe.bus, DEADLINE_NS, &err), &err);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_gt(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 0);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]) +
                     atomic_load(&probe.outcomes[SL_PUBLISH_UNKNOWN]),
                 N_LARGE);
}

/* Wait until the metrics say that the bus is connected, or not.  @return the metrics */
static struct bus_metrics wait_connected(const struct bus *bus, bool connected)
{
    struct bus_metrics metrics = {.size = sizeof metrics};
    cr_assert(sl_test_until((bus_metrics_take(bus, &metrics), metrics.connected == connected),
                            DEADLINE_NS));
    return metrics;
}

SERVER_TEST(bus_nats_restart, metrics_show_a_lost_connection_and_the_next_one)
{
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    cr_assert_eq(wait_connected(probe.bus, true).reconnects, 0);
    server_kill(server);
    cr_assert_eq(wait_connected(probe.bus, false).reconnects, 0);
    server_start_again(server);
    struct bus_metrics metrics = wait_connected(probe.bus, true);
    /* It is read after the state. */
    cr_assert(sl_test_until((bus_metrics_take(probe.bus, &metrics), metrics.reconnects == 1),
                            DEADLINE_NS));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

/* Threads of this process whose name begins like this. */
static unsigned count_named(const char *start)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        (void) snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof name, file))
            n += strncmp(name, start, strlen(start)) == 0;
        if (file)
            (void) fclose(file);
    }
    (void) closedir(tasks);
    return n;
}

/* A thread names itself soon after it was started. */
static bool named_reach(const char *start, unsigned expected)
{
    return sl_test_until(count_named(start) == expected, DEADLINE_NS);
}

SERVER_TEST(bus_nats_restart, fetchers_that_survive_a_reconnect_survive_close)
{
    struct probe probe = {.fail_every = 0};
    if (!bus_faults()->name)
        cr_skip_test("built without faults");
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    config.storage = BUS_STORAGE_FILE;
    config.fault = "fetchers-survive-reconnect";
    open_probe(&probe, &config, probe_handle);
    cr_assert(named_reach("fetch-", N_TOPICS));
    server_kill(server);
    server_start_again(server);
    cr_assert(named_reach("fetch-", 2 * N_TOPICS));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_eq(count_named("fetch-"), N_TOPICS);
}
