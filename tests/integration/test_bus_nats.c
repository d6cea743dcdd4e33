/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on a real nats-server, which each test starts for itself. */
#include "sl_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <strandline/bus_metrics.h>

#include "bus_scene.h"

#define DEADLINE_NS (60 * SL_NS_PER_S)

struct server {
    pid_t pid;
    char directory[64];
    char url[64];
    bool jetstream;
};

/* Where nats-server is, or NULL. */
static const char *server_program(void)
{
    static const char *const places[] = {"/usr/sbin/nats-server", "/usr/bin/nats-server",
                                         "/usr/local/bin/nats-server"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], X_OK) == 0)
            return places[i];
    }
    return NULL;
}

/* Read the URL from the file in which the server writes its ports. */
static bool read_url(struct server *server)
{
    char path[128], text[256] = "";
    (void) snprintf(path, sizeof path, "%s/nats-server_%d.ports", server->directory,
                    (int) server->pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void) fclose(file);
    const char *url = strstr(text, "nats://");
    return size > 0 && url && strchr(url, '"') && sscanf(url, "%63[^\"]", server->url) == 1;
}

/* Start the server on a port (-1: the system chooses).  The child dies with this process. */
static void server_run(struct server *server, const char *port)
{
    server->pid = fork();
    cr_assert_neq(server->pid, -1);
    if (server->pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_WRONLY);
        (void) dup2(null, STDOUT_FILENO);
        (void) dup2(null, STDERR_FILENO);
        (void) execl(server_program(), "nats-server", "-a", "127.0.0.1", "-p", port,
                     "--ports_file_dir", server->directory, server->jetstream ? "-js" : NULL, "-sd",
                     server->directory, NULL);
        _exit(127);
    }
    uint64_t until_ns = sl_clock_now_ns() + DEADLINE_NS;
    while (!read_url(server) && sl_clock_now_ns() < until_ns)
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    cr_assert(*server->url, "the server does not start");
}

static void server_start(struct server *server, bool jetstream)
{
    if (!server_program())
        cr_skip_test("no nats-server is installed");
    *server = (struct server){.jetstream = jetstream};
    (void) strcpy(server->directory, "/tmp/test_bus_nats_XXXXXX");
    cr_assert(mkdtemp(server->directory));
    server_run(server, "-1");
}

static void server_kill(struct server *server)
{
    (void) kill(server->pid, SIGKILL);
    (void) waitpid(server->pid, NULL, 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void) status;
    (void) type;
    (void) walk;
    return remove(path);
}

static void server_stop(struct server *server)
{
    server_kill(server);
    (void) nftw(server->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Threads of the client library are detached: they end soon after the call that ends them. */
static bool threads_fall_to(unsigned expected)
{
    uint64_t until_ns = sl_clock_now_ns() + DEADLINE_NS;
    while (count_threads() > expected && sl_clock_now_ns() < until_ns)
        sl_clock_sleep_ns(SL_NS_PER_MS);
    return count_threads() == expected;
}

static struct bus_config
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

static struct sl_driver_close_report
close_and_free(struct probe *probe, uint64_t deadline_ns, enum sl_status expected)
{
    struct sl_driver_close_report report = close_probe(probe, deadline_ns, expected);
    bus_free(probe->bus);
    return report;
}

static void purge(const struct bus_config *config)
{
    struct sl_error err = {0};
    sl_assert_ok(bus_purge(config, &err), &err);
}

SL_TEST(bus_nats, every_message_is_handled_in_order_and_nothing_stays)
{
    static const enum bus_mode modes[] = {BUS_KEYED, BUS_UNIFIED, BUS_DIRECT};
    struct server server;
    struct sl_error err = {0};
    server_start(&server, true);
    unsigned threads = count_threads(), descriptors = count_entries("/proc/self/fd");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(modes[i], &server, &probe);
        config.storage = modes[i] == BUS_UNIFIED ? BUS_STORAGE_FILE : BUS_STORAGE_MEMORY;
        open_probe(&probe, &config, probe_handle);
        publish_round(&probe, 5000);
        sl_assert_ok(bus_flush(probe.bus, DEADLINE_NS, &err), &err);
        cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 5000);
        cr_assert(probe_reaches(&probe.handled, 5000));
        struct sl_driver_close_report report = close_and_free(&probe, DEADLINE_NS, SL_OK);
        cr_assert_eq(report.messages_abandoned, 0);
        cr_assert_eq(atomic_load(&probe.violations), 0);
        cr_assert_eq(atomic_load(&probe.duplicates), 0);
        cr_assert_eq(atomic_load(&probe.overlaps), 0);
        purge(&config);
        sl_assert_ok(bus_teardown(&err), &err);
        cr_assert(threads_fall_to(threads));
        cr_assert_eq(count_entries("/proc/self/fd"), descriptors);
    }
    server_stop(&server);
}

SL_TEST(bus_nats, close_ends_the_connection_and_teardown_the_library)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, true);
    unsigned before = count_threads();
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    open_probe(&probe, &config, probe_handle);
    struct sl_driver_stats stats = {.size = sizeof stats};
    bus_stats(probe.bus, &stats);
    cr_assert_eq(stats.threads, N_TOPICS + 8 + 2);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert(threads_fall_to(before + 3), "timer, callbacks and collector stay until teardown");
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
    server_stop(&server);
}

SL_TEST(bus_nats, faults_leave_their_threads_and_still_end_the_connection)
{
    static const struct {
        enum bus_mode mode;
        const char *fault;
        unsigned left;
    } cases[] = {
        {BUS_KEYED, "pool-not-stopped,orphan-fetcher", N_TOPICS * 8 + N_TOPICS},
        {BUS_UNIFIED, "pool-not-stopped", 8},
        {BUS_DIRECT, "orphan-fetcher", N_TOPICS},
    };
    if (!bus_faults()->name)
        cr_skip_test("built without faults");
    struct server server;
    server_start(&server, true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct probe probe = {.fail_every = 0};
        struct sl_error err = {0};
        struct bus_config config = config_of(cases[i].mode, &server, &probe);
        config.fault = cases[i].fault;
        unsigned before = count_threads();
        open_probe(&probe, &config, probe_handle);
        publish_round(&probe, 1000);
        cr_assert(probe_reaches(&probe.handled, 1000));
        struct sl_driver_close_report report = close_and_free(&probe, DEADLINE_NS, SL_OK);
        cr_assert_eq(report.threads_abandoned, 0);
        cr_assert_eq(report.messages_abandoned, 0);
        purge(&config);
        sl_assert_ok(bus_teardown(&err), &err);
        cr_assert(threads_fall_to(before + cases[i].left));
    }
    server_stop(&server);
}

SL_TEST(bus_nats, a_failed_message_keeps_its_place_in_its_key)
{
    struct server server;
    struct probe probe = {.fail_every = 10};
    struct sl_error err = {0};
    server_start(&server, true);
    struct bus_config config = config_of(BUS_KEYED, &server, &probe);
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 30 * PROBE_KEYS);
    cr_assert(probe_reaches(&probe.handled, 30 * PROBE_KEYS));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    cr_assert_eq(atomic_load(&probe.failures), 3 * PROBE_KEYS);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

static enum sl_status slow_handle(void *user, const struct sl_message *message)
{
    sl_clock_sleep_ns(2 * SL_NS_PER_MS);
    return probe_handle(user, message);
}

SL_TEST(bus_nats, what_waits_longer_than_the_ack_wait_is_not_redelivered)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, true);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    config.workers = 1;
    config.queue_capacity = 16; /* most of it waits with a paused fetcher */
    config.ack_wait_ns = SL_NS_PER_S;
    config.enqueue_wait_ns = SL_NS_PER_MS;
    open_probe(&probe, &config, slow_handle);
    publish_round(&probe, 1500); /* at least 3 s of work for one worker */
    cr_assert(probe_reaches(&probe.handled, 1500));
    struct sl_driver_stats stats = {.size = sizeof stats};
    bus_stats(probe.bus, &stats);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_gt(stats.queue_full, 0);
    cr_assert_eq(atomic_load(&probe.duplicates), 0);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

/* Counts what it got from a broker that was there before. */
SL_TEST(bus_nats, a_new_bus_gets_what_the_last_one_left)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, true);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    publish_round(&probe, 500);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK); /* nobody subscribed */
    open_probe(&probe, &config, probe_handle);
    cr_assert(probe_reaches(&probe.handled, 500));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    purge(&config);
    memset(&probe, 0, sizeof probe);
    open_probe(&probe, &config, probe_handle); /* the streams are new ones */
    publish_round(&probe, 10);
    cr_assert(probe_reaches(&probe.handled, 10));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

SL_TEST(bus_nats, a_server_that_refuses_is_named_at_once)
{
    struct probe probe = {.fail_every = 0};
    struct server nobody = {.url = "nats://127.0.0.1:1"};
    struct sl_error err = {0};
    struct bus_config config = config_of(BUS_UNIFIED, &nobody, &probe);
    unsigned before = count_threads();
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_ECONNECT, &err, nobody.url);
    err = (struct sl_error){0};
    sl_assert_fails(bus_purge(&config, &err), SL_ECONNECT, &err, nobody.url);
    err = (struct sl_error){0};
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
}

SL_TEST(bus_nats, a_server_without_jetstream_is_refused)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, false);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_ENOTSUP, &err, "no JetStream");
    err = (struct sl_error){0};
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

SL_TEST(bus_nats, a_dead_server_ends_in_unknown_outcomes_and_close_in_its_deadline)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, true);
    unsigned before = count_threads();
    struct bus_config config = config_of(BUS_KEYED, &server, &probe);
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 100);
    sl_assert_ok(bus_flush(probe.bus, DEADLINE_NS, &err), &err);
    server_kill(&server);
    publish_round(&probe, 50);
    sl_assert_fails(bus_flush(probe.bus, 100 * SL_NS_PER_MS, &err), SL_ETIMEDOUT, &err, "outcome");
    uint64_t begin_ns = sl_clock_now_ns();
    struct sl_driver_close_report report = close_and_free(&probe, SL_NS_PER_S, SL_OK);
    cr_assert_lt(sl_clock_now_ns() - begin_ns, 5 * SL_NS_PER_S);
    cr_assert_eq(report.publishes_unknown, 50);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 100);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_UNKNOWN]), 50);
    err = (struct sl_error){0};
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
    server_stop(&server);
}

SL_TEST(bus_nats, a_publish_that_waits_for_a_dead_server_is_ended_by_close)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, true);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    config.max_pending = 10;
    open_probe(&probe, &config, probe_handle);
    server_kill(&server);
    publish_round(&probe, 25); /* blocks until outcomes become unknown, twice */
    cr_assert(probe_reaches(&probe.outcomes[SL_PUBLISH_UNKNOWN], 15));
    (void) close_and_free(&probe, SL_NS_PER_S, SL_OK);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_UNKNOWN]), 25);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

SL_TEST(bus_nats, delivery_goes_on_after_a_restart_of_the_server)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    server_start(&server, true);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    config.storage = BUS_STORAGE_FILE;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 200);
    cr_assert(probe_reaches(&probe.handled, 200));
    char port[8];
    (void) snprintf(port, sizeof port, "%s", strrchr(server.url, ':') + 1);
    server_kill(&server);
    *server.url = '\0';
    server_run(&server, port);
    unsigned expected = 200;
    uint64_t until_ns = sl_clock_now_ns() + DEADLINE_NS;
    while (atomic_load(&probe.handled) < expected + PROBE_KEYS && sl_clock_now_ns() < until_ns) {
        publish_round(&probe, PROBE_KEYS);
        sl_clock_sleep_ns(100 * SL_NS_PER_MS);
    }
    cr_assert_geq(atomic_load(&probe.handled), expected + PROBE_KEYS);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

/* Wait until the metrics say that the bus is connected, or not.  @return the metrics */
static struct bus_metrics wait_connected(const struct bus *bus, bool connected)
{
    uint64_t until_ns = sl_clock_now_ns() + DEADLINE_NS;
    struct bus_metrics metrics = {.size = sizeof metrics};
    do {
        sl_clock_sleep_ns(SL_NS_PER_MS);
        bus_metrics_take(bus, &metrics);
    } while (metrics.connected != connected && sl_clock_now_ns() < until_ns);
    cr_assert_eq(metrics.connected, connected);
    return metrics;
}

SL_TEST(bus_nats, metrics_show_a_lost_connection_and_the_next_one)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    char port[8];
    server_start(&server, true);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    cr_assert_eq(wait_connected(probe.bus, true).reconnects, 0);
    (void) snprintf(port, sizeof port, "%s", strrchr(server.url, ':') + 1);
    server_kill(&server);
    cr_assert_eq(wait_connected(probe.bus, false).reconnects, 0);
    server_run(&server, port);
    struct bus_metrics metrics = wait_connected(probe.bus, true);
    for (unsigned i = 0; metrics.reconnects == 0 && i < 20000; i++) {
        sl_clock_sleep_ns(SL_NS_PER_MS); /* it is read after the state */
        bus_metrics_take(probe.bus, &metrics);
    }
    cr_assert_eq(metrics.reconnects, 1);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
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
    uint64_t until_ns = sl_clock_now_ns() + DEADLINE_NS;
    while (count_named(start) != expected && sl_clock_now_ns() < until_ns)
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    return count_named(start) == expected;
}

SL_TEST(bus_nats, fetchers_that_survive_a_reconnect_survive_close)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    if (!bus_faults()->name)
        cr_skip_test("built without faults");
    server_start(&server, true);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    config.storage = BUS_STORAGE_FILE;
    config.fault = "fetchers-survive-reconnect";
    open_probe(&probe, &config, probe_handle);
    cr_assert(named_reach("fetch-", N_TOPICS));
    char port[8];
    (void) snprintf(port, sizeof port, "%s", strrchr(server.url, ':') + 1);
    server_kill(&server);
    *server.url = '\0';
    server_run(&server, port);
    cr_assert(named_reach("fetch-", 2 * N_TOPICS));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_eq(count_named("fetch-"), N_TOPICS);
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}
