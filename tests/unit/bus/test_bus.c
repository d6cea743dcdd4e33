/* SPDX-License-Identifier: Apache-2.0 */
/* The bus as a whole, on the in-memory transport. */
#include "sl_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/bus_fault.h>

#include "base/file.h"
#include "bus_memory_scene.h"
#include "until.h"

SL_TEST(bus, every_message_is_handled_once_and_in_order_of_its_key)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(modes[i], &probe);
        unsigned before = count_threads();
        open_probe(&probe, &config, probe_handle);
        publish_round(&probe, 20000);
        cr_assert(probe_reaches(&probe.handled, 20000));
        close_cleanly(&probe);
        cr_assert_eq(atomic_load(&probe.violations), 0);
        cr_assert_eq(atomic_load(&probe.duplicates), 0);
        cr_assert_eq(atomic_load(&probe.overlaps), 0);
        cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 20000);
        cr_assert(threads_fall_to(before));
    }
}

SL_TEST(bus, a_failed_message_is_handled_again_before_later_ones_of_its_key)
{
    for (size_t i = 0; i < 2; i++) {
        struct probe probe = {.fail_every = 10};
        struct bus_config config = config_of(modes[i], &probe);
        open_probe(&probe, &config, probe_handle);
        publish_round(&probe, 50 * PROBE_KEYS);
        cr_assert(probe_reaches(&probe.handled, 50 * PROBE_KEYS));
        struct sl_driver_stats stats = {.size = sizeof stats};
        bus_stats(probe.bus, &stats);
        close_cleanly(&probe);
        cr_assert_eq(atomic_load(&probe.violations), 0);
        cr_assert_eq(atomic_load(&probe.failures), 5 * PROBE_KEYS);
        cr_assert_eq(stats.handler_errors, 5 * PROBE_KEYS);
        cr_assert_eq(stats.redelivered, 5 * PROBE_KEYS);
    }
}

/* Threads of this process that block a signal. */
static unsigned count_blocking(int number)
{
    DIR *directory = opendir("/proc/self/task");
    unsigned n = 0;

    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[300], text[4096];
        (void) snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        const char *blocked =
            sl_file_read(path, text, sizeof text) ? strstr(text, "SigBlk:") : NULL;
        n += blocked && strtoull(blocked + strlen("SigBlk:"), NULL, 16) >> (number - 1) & 1;
    }
    (void) closedir(directory);
    return n;
}

SL_TEST(bus, no_thread_of_the_bus_takes_a_signal_of_the_program)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    sigset_t none;

    (void) sigemptyset(&none);
    cr_assert_eq(pthread_sigmask(SIG_SETMASK, &none, NULL), 0);
    unsigned n_threads = count_threads(), n_blocking = count_blocking(SIGTERM);
    open_probe(&probe, &config, probe_handle);
    /* Until it runs, a thread blocks all signals whatever it was told. */
    publish_round(&probe, 20000);
    cr_assert(probe_reaches(&probe.handled, 20000));
    cr_assert_gt(count_threads(), n_threads);
    cr_assert_eq(count_blocking(SIGTERM) - n_blocking, count_threads() - n_threads);
    close_cleanly(&probe);
}

SL_TEST(bus, a_key_that_always_fails_stops_no_other_key)
{
    struct probe probe = {.poison_key = 1};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    config.workers = 1;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 20 * PROBE_KEYS);
    cr_assert(probe_reaches(&probe.handled, 20 * (PROBE_KEYS - 1)));
    struct sl_driver_close_report report = close_probe(&probe, 20 * SL_NS_PER_S, SL_OK);
    cr_assert_eq(report.messages_abandoned, 20);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    bus_free(probe.bus);
}

SL_TEST(bus, direct_mode_gets_a_failed_message_again_from_the_broker)
{
    struct probe probe = {.fail_every = 10};
    struct bus_config config = config_of(BUS_DIRECT, &probe);
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 9 * PROBE_KEYS);
    cr_assert(probe_reaches(&probe.handled, 9 * PROBE_KEYS));
    publish_round(&probe, PROBE_KEYS); /* each the tenth of its key, and the last: order holds */
    cr_assert(probe_reaches(&probe.handled, 10 * PROBE_KEYS));
    cr_assert_eq(atomic_load(&probe.failures), PROBE_KEYS);
    close_cleanly(&probe);
}

SL_TEST(bus, a_full_queue_pauses_its_topic_and_loses_nothing)
{
    for (size_t i = 0; i < 2; i++) {
        struct hang hang = {.entered = 0};
        struct bus_config config = config_of(modes[i], &hang.probe);
        config.queue_capacity = 4;
        config.enqueue_wait_ns = SL_NS_PER_MS;
        open_probe(&hang.probe, &config, hang_handle);
        publish_round(&hang.probe, 200 * PROBE_KEYS);
        struct sl_driver_stats stats = {.size = sizeof stats};
        cr_assert(sl_test_until((bus_stats(hang.probe.bus, &stats), stats.queue_full > 0),
                                20 * SL_NS_PER_S));
        atomic_store(&hang.released, true);
        cr_assert(probe_reaches(&hang.probe.handled, 200 * PROBE_KEYS));
        close_cleanly(&hang.probe);
        cr_assert_eq(atomic_load(&hang.probe.violations), 0);
        cr_assert_eq(atomic_load(&hang.probe.duplicates), 0);
    }
}

SL_TEST(bus, what_a_handler_holds_longer_than_the_ack_wait_is_not_redelivered)
{
    struct hang hang = {.entered = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &hang.probe);
    config.ack_wait_ns = 300 * SL_NS_PER_MS;
    open_probe(&hang.probe, &config, hang_handle);
    publish_round(&hang.probe, PROBE_KEYS);
    cr_assert(probe_reaches(&hang.entered, 1));
    sl_clock_sleep_ns(4 * config.ack_wait_ns);
    atomic_store(&hang.released, true);
    cr_assert(probe_reaches(&hang.probe.handled, PROBE_KEYS));
    close_cleanly(&hang.probe);
    cr_assert_eq(atomic_load(&hang.probe.duplicates), 0);
}

SL_TEST(bus, a_closed_bus_refuses_everything_but_close_and_stats)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    struct sl_error err = {0};
    struct sl_message message = {.topic = topics[0]};
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    (void) close_probe(&probe, SL_NS_PER_S, SL_OK);
    sl_assert_fails(bus_publish(probe.bus, &message, 0, &err), SL_ECLOSED, &err, "closed");
    sl_assert_fails(bus_subscribe(probe.bus, topics[0], probe_handle, NULL, &err), SL_ECLOSED, &err,
                    "closed");
    sl_assert_fails(bus_flush(probe.bus, 0, &err), SL_ECLOSED, &err, "closed");
    bus_free(probe.bus);
}

SL_TEST(bus, malformed_messages_are_refused)
{
    char long_key[BUS_MAX_KEY + 2];
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    const struct {
        struct sl_message message;
        enum sl_status status;
    } cases[] = {
        {{.topic = "unknown"}, SL_ENOENT},
        {{.topic = NULL}, SL_ENOENT},
        {{.topic = "orders", .key = ""}, SL_EINVAL},
        {{.topic = "orders", .key = " a"}, SL_EINVAL},
        {{.topic = "orders", .key = "a\r\nb"}, SL_EINVAL},
        {{.topic = "orders", .key = long_key}, SL_EINVAL},
        {{.topic = "orders", .payload_size = 1}, SL_EINVAL},
    };
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    open_probe(&probe, &config, probe_handle);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(bus_publish(probe.bus, &cases[i].message, 0, NULL), cases[i].status);
    close_cleanly(&probe);
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 0);
}

/* Names of the threads of this process that begin with a prefix. */
static unsigned count_named(const char *prefix)
{
    unsigned n = 0;
    DIR *directory = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[300], name[32] = "";
        (void) snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!file)
            continue;
        n += fgets(name, sizeof name, file) && strncmp(name, prefix, strlen(prefix)) == 0;
        (void) fclose(file);
    }
    (void) closedir(directory);
    return n;
}

/* Threads name themselves, so right after their creation they have their creator's. */
static bool named_become(const char *prefix, unsigned expected)
{
    return sl_test_until(count_named(prefix) == expected, 20 * SL_NS_PER_S);
}

SL_TEST(bus, threads_are_named_and_their_number_is_exact)
{
    static const unsigned expected[] = {
        [BUS_KEYED] = N_TOPICS * 8 + N_TOPICS + 2,
        [BUS_UNIFIED] = 8 + N_TOPICS + 2,
        [BUS_DIRECT] = N_TOPICS + 2,
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(modes[i], &probe);
        unsigned before = count_threads();
        open_probe(&probe, &config, probe_handle);
        struct sl_driver_stats stats = {.size = sizeof stats};
        bus_stats(probe.bus, &stats);
        cr_assert_eq(stats.threads, expected[modes[i]]);
        cr_assert_eq(count_threads() - before, expected[modes[i]]);
        cr_assert(named_become("fetch-", N_TOPICS));
        cr_assert(named_become("monitor", 1));
        cr_assert(named_become("broker", 1));
        cr_assert(named_become("k1-w", modes[i] == BUS_KEYED ? 8 : 0));
        cr_assert(named_become("u-w", modes[i] == BUS_UNIFIED ? 8 : 0));
        close_cleanly(&probe);
    }
}

SL_TEST(bus, faults_leave_exactly_the_threads_they_are_about)
{
    static const struct {
        enum bus_mode mode;
        const char *fault;
        unsigned left;
    } cases[] = {
        {BUS_KEYED, "pool-not-stopped", N_TOPICS * 8},
        {BUS_UNIFIED, "pool-not-stopped", 8},
        {BUS_DIRECT, "pool-not-stopped", 0},
        {BUS_KEYED, "orphan-fetcher", N_TOPICS},
        {BUS_KEYED, "pool-not-stopped,orphan-fetcher", N_TOPICS * 8 + N_TOPICS},
        {BUS_UNIFIED, "close-skipped", N_TOPICS + 8 + 2},
    };
    for (size_t i = 0; bus_faults()->name && i < sizeof cases / sizeof *cases; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(cases[i].mode, &probe);
        config.fault = cases[i].fault;
        unsigned before = count_threads();
        open_probe(&probe, &config, probe_handle);
        publish_round(&probe, 1000);
        cr_assert(probe_reaches(&probe.handled, 1000));
        struct sl_driver_close_report report = close_probe(&probe, 20 * SL_NS_PER_S, SL_OK);
        cr_assert_eq(report.threads_abandoned, 0, "a broken close does not know");
        cr_assert_eq(report.messages_abandoned, 0);
        cr_assert(threads_fall_to(before + cases[i].left), "%s", cases[i].fault);
        bus_free(probe.bus);
    }
}

SL_TEST(bus, the_driver_plays_a_whole_trial)
{
    const struct sl_driver *driver = bus_driver();
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    struct sl_driver_config config = {.size = sizeof config,
                                      .mode = "keyed",
                                      .transport = "memory",
                                      .storage = "memory",
                                      .prefix = "test_",
                                      .topics = topics,
                                      .n_topics = N_TOPICS,
                                      .workers = 4,
                                      .on_publish = probe_on_publish,
                                      .user = &probe};
    struct sl_driver_close_report report = {.size = sizeof report};
    struct sl_driver_stats stats = {.size = sizeof stats};
    void *bus = NULL;

    cr_assert_eq(driver->abi, SL_DRIVER_ABI);
    sl_assert_ok(driver->open(&config, &bus, &err), &err);
    probe.bus = bus;
    for (size_t i = 0; i < N_TOPICS; i++)
        sl_assert_ok(driver->subscribe(bus, topics[i], probe_handle, &probe, &err), &err);
    publish_round(&probe, 100);
    sl_assert_ok(driver->flush(bus, SL_NS_PER_S, &err), &err);
    cr_assert(probe_reaches(&probe.handled, 100));
    sl_assert_ok(driver->close(bus, 20 * SL_NS_PER_S, &report, &err), &err);
    driver->stats(bus, &stats);
    cr_assert_eq(stats.delivered, 100);
    cr_assert_eq(stats.acked, 100);
    driver->destroy(bus);
    sl_assert_ok(driver->teardown(&err), &err);
    sl_assert_ok(driver->purge(&config, &err), &err);
}

SL_TEST(bus, the_driver_refuses_unknown_words)
{
    const struct sl_driver *driver = bus_driver();
    struct sl_driver_config good = {.size = sizeof good,
                                    .mode = "direct",
                                    .transport = "memory",
                                    .topics = topics,
                                    .n_topics = 1,
                                    .on_publish = probe_on_publish};
    void *bus = NULL;
    struct sl_driver_config bad = good;
    bad.mode = "sideways";
    struct sl_error err = {0};
    sl_assert_fails(driver->open(&bad, &bus, &err), SL_ENOTSUP, &err, "mode 'sideways'");
    bad = good;
    bad.storage = "tape";
    sl_assert_fails(driver->open(&bad, &bus, &err), SL_ENOTSUP, &err, "storage 'tape'");
    bad = good;
    bad.transport = "pigeon";
    sl_assert_fails(driver->open(&bad, &bus, &err), SL_ENOTSUP, &err, "transport 'pigeon'");
    cr_assert_null(bus);
}
