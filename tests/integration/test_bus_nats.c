/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on a real nats-server, which each test starts for itself. */
#include "sl_test.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/bus_fault.h>
#include <strandline/bus_metrics.h>
#include <strandline/bus_publish.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bus/engine/internal.h"
#include "bus/nats/internal.h"
#include "bus_nats_scene.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

static void purge(const struct bus_config *config)
{
    sl_assert_ok(bus_purge(config, &err), &err);
}

SERVER_TEST(bus_nats, every_message_is_handled_in_order_and_nothing_stays)
{
    static const enum bus_mode modes[] = {BUS_KEYED, BUS_UNIFIED, BUS_DIRECT};
    unsigned threads = count_threads(), descriptors = count_entries("/proc/self/fd");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(modes[i], server, &probe);
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
}

/* Timer, callbacks and collector once; read loop and flusher of the connection. */
#define LIBRARY_THREADS 5u

SERVER_TEST(bus_nats, the_number_of_threads_is_exact)
{
    static const unsigned expected[] = {
        [BUS_KEYED] = N_TOPICS * 8 + N_TOPICS + 2,
        [BUS_UNIFIED] = 8 + N_TOPICS + 2,
        [BUS_DIRECT] = N_TOPICS + 2,
    };
    for (size_t mode = 0; mode < sizeof expected / sizeof *expected; mode++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of((enum bus_mode) mode, server, &probe);
        struct sl_driver_stats stats = {.size = sizeof stats};
        unsigned before = count_threads();
        open_probe(&probe, &config, probe_handle);
        publish_round(&probe, 500);
        cr_assert(probe_reaches(&probe.handled, 500));
        bus_stats(probe.bus, &stats);
        cr_assert_eq(stats.threads, expected[mode]);
        cr_assert_eq(count_threads() - before, expected[mode] + LIBRARY_THREADS);
        (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
        purge(&config);
        sl_assert_ok(bus_teardown(&err), &err);
        cr_assert(threads_fall_to(before));
    }
}

/* Threads of this process with a scheduling policy. */
static unsigned count_with_policy(int policy)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    cr_assert_not_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        n += entry->d_name[0] != '.' && sched_getscheduler(atoi(entry->d_name)) == policy;
    (void) closedir(tasks);
    return n;
}

SERVER_TEST(bus_nats, the_librarys_threads_and_no_others_are_scheduled_as_batch_work)
{
    struct probe probe = {.fail_every = 0};
    if (sched_getscheduler(0) != SCHED_OTHER)
        cr_skip_test("these tests run with another policy themselves");
    unsigned before = count_threads();
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    open_probe(&probe, &config, probe_handle);
    cr_assert_eq(count_with_policy(SCHED_BATCH), LIBRARY_THREADS);
    cr_assert_eq(sched_getscheduler(0), SCHED_OTHER);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
    cr_assert_eq(count_with_policy(SCHED_BATCH), 0);
}

SERVER_TEST(bus_nats, close_ends_the_connection_and_teardown_the_library)
{
    struct probe probe = {.fail_every = 0};
    unsigned before = count_threads();
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    open_probe(&probe, &config, probe_handle);
    struct sl_driver_stats stats = {.size = sizeof stats};
    bus_stats(probe.bus, &stats);
    cr_assert_eq(stats.threads, N_TOPICS + 8 + 2);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert(threads_fall_to(before + 3), "timer, callbacks and collector stay until teardown");
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
}

SERVER_TEST(bus_nats, faults_leave_their_threads_and_still_end_the_connection)
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
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(cases[i].mode, server, &probe);
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
}

SERVER_TEST(bus_nats, a_failed_message_keeps_its_place_in_its_key)
{
    struct probe probe = {.fail_every = 10};
    struct bus_config config = config_of(BUS_KEYED, server, &probe);
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 30 * PROBE_KEYS);
    cr_assert(probe_reaches(&probe.handled, 30 * PROBE_KEYS));
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    cr_assert_eq(atomic_load(&probe.failures), 3 * PROBE_KEYS);
}

static enum sl_status slow_handle(void *user, const struct sl_message *message)
{
    sl_clock_sleep_ns(2 * SL_NS_PER_MS);
    return probe_handle(user, message);
}

SERVER_TEST(bus_nats, what_waits_longer_than_the_ack_wait_is_not_redelivered)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
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
}

/* Counts what it got from a broker that was there before. */
SERVER_TEST(bus_nats, a_new_bus_gets_what_the_last_one_left)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
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
}

/* The library would drop those beyond its own limit, which is lower than that of the bus. */
SERVER_TEST(bus_nats, no_answer_to_a_publish_is_one_too_many)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_DIRECT, server, &probe);
    int messages = 0, bytes = 0;
    open_probe(&probe, &config, probe_handle);
    const struct jetstream_transport *transport =
        (const struct jetstream_transport *) probe.bus->transport;
    cr_assert_eq(natsSubscription_GetPendingLimits(transport->answers, &messages, &bytes), NATS_OK);
    cr_assert_eq(messages, -1);
    cr_assert_eq(bytes, -1);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

SL_TEST(bus_nats, a_server_that_refuses_is_named_at_once)
{
    struct probe probe = {.fail_every = 0};
    struct server nobody = {.url = "nats://127.0.0.1:1"};
    struct bus_config config = config_of(BUS_UNIFIED, &nobody, &probe);
    unsigned before = count_threads();
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_ECONNECT, &err, nobody.url);
    sl_assert_fails(bus_purge(&config, &err), SL_ECONNECT, &err, nobody.url);
    sl_assert_ok(bus_teardown(&err), &err);
    cr_assert(threads_fall_to(before));
}

SL_TEST(bus_nats, a_server_without_jetstream_is_refused)
{
    struct server server;
    struct probe probe = {.fail_every = 0};
    server_start(&server, false);
    struct bus_config config = config_of(BUS_UNIFIED, &server, &probe);
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_ENOTSUP, &err, "no JetStream");
    sl_assert_ok(bus_teardown(&err), &err);
    server_stop(&server);
}

/* Handler; user is the probe.  Counts what has the size of its topic. */
static enum sl_status take_sized(void *user, const struct sl_message *message)
{
    struct probe *probe = user;
    bool large = strcmp(message->topic, topics[1]) == 0;
    atomic_fetch_add((message->payload_size > 0) == large ? &probe->handled : &probe->failures, 1);
    return SL_OK;
}

SERVER_TEST(bus_nats, what_is_larger_than_the_server_takes_is_refused_and_said)
{
    struct probe probe = {.fail_every = 0};
    char *payload = calloc(1, BUS_MAX_PAYLOAD);
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    open_probe(&probe, &config, take_sized);
    struct sl_message message = {.topic = topics[1], .key = "key", .payload = payload};
    message.payload_size = BUS_MAX_PAYLOAD; /* the server's limit, in which its header counts */
    sl_assert_fails(bus_publish_sync(probe.bus, &message, DEADLINE_NS, &err), SL_EINVAL, &err,
                    "greater than maximum");
    message.payload_size = BUS_MAX_PAYLOAD - 1024;
    sl_assert_ok(bus_publish_sync(probe.bus, &message, DEADLINE_NS, &err), &err);
    message = (struct sl_message){.topic = topics[0], .key = "key"};
    sl_assert_ok(bus_publish_sync(probe.bus, &message, DEADLINE_NS, &err), &err);
    cr_assert(probe_reaches(&probe.handled, 2));
    cr_assert_eq(atomic_load(&probe.failures), 0);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
    sl_assert_ok(bus_teardown(&err), &err);
    free(payload);
}

/* What a payload and a key of some size consist of; every size has its own. */
static void fill(char *key, size_t key_size, char *payload, size_t payload_size)
{
    memset(key, 'a' + (int) (payload_size % 26), key_size);
    key[key_size] = '\0';
    for (size_t i = 0; i < payload_size; i++)
        payload[i] = (char) (payload_size + i);
}

#define MAX_KEY   200u
#define MAX_SIZED 1200u /* more than is copied */

/* Handler; user is the probe.  Counts what is whole. */
static enum sl_status check_whole(void *user, const struct sl_message *message)
{
    struct probe *probe = user;
    char key[MAX_KEY + 1], payload[MAX_SIZED];
    size_t key_size = message->key ? strlen(message->key) : 0;
    bool whole = key_size <= MAX_KEY && message->payload_size <= sizeof payload;
    if (whole) {
        fill(key, key_size, payload, message->payload_size);
        whole = memcmp(payload, message->payload, message->payload_size) == 0 &&
                (!message->key || strcmp(key, message->key) == 0);
    }
    atomic_fetch_add(whole ? &probe->handled : &probe->failures, 1);
    return SL_OK;
}

SERVER_TEST(bus_nats, messages_of_every_size_around_what_is_copied_arrive_whole)
{
    static const size_t key_sizes[] = {0, 1, 57, MAX_KEY};
    struct probe probe = {.fail_every = 0};
    unsigned n = 0;
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    open_probe(&probe, &config, check_whole);
    for (size_t size = 0; size <= MAX_SIZED; size += size < 600 ? 37 : 1) {
        char key[MAX_KEY + 1], payload[MAX_SIZED + 1];
        size_t key_size = key_sizes[size % SL_COUNT_OF(key_sizes)];
        fill(key, key_size, payload, size);
        struct sl_message message = {.topic = topics[size % N_TOPICS],
                                     .key = key_size ? key : NULL,
                                     .payload = payload,
                                     .payload_size = size};
        sl_assert_ok(bus_publish(probe.bus, &message, n++, &err), &err);
    }
    cr_assert(probe_reaches(&probe.handled, n));
    cr_assert_eq(atomic_load(&probe.failures), 0);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

static atomic_bool released; /* each test has a process of its own */

static enum sl_status check_when_released(void *user, const struct sl_message *message)
{
    while (!atomic_load(&released))
        sl_clock_sleep_ns(SL_NS_PER_MS);
    return check_whole(user, message);
}

SERVER_TEST(bus_nats, a_topic_holds_more_messages_than_are_copied)
{
    enum { N = 10000 };
    struct probe probe = {.fail_every = 0};
    struct bus_metrics metrics = {.size = sizeof metrics};
    struct bus_config config = config_of(BUS_UNIFIED, server, &probe);
    config.workers = 16;
    open_probe(&probe, &config, check_when_released);
    for (unsigned i = 0; i < N; i++) {
        char payload[64];
        fill((char[2]){0}, 1, payload, sizeof payload);
        struct sl_message message = {
            .topic = topics[0], .payload = payload, .payload_size = sizeof payload};
        sl_assert_ok(bus_publish(probe.bus, &message, i, &err), &err);
    }
    (void) sl_test_until((bus_metrics_take(probe.bus, &metrics), metrics.fetched >= N),
                         DEADLINE_NS);
    cr_assert_eq(metrics.fetched, N, "%llu fetched, %llu behind, %llu paused, %llu accepted",
                 (unsigned long long) metrics.fetched, (unsigned long long) metrics.behind,
                 (unsigned long long) metrics.queue_full, (unsigned long long) metrics.accepted);
    atomic_store(&released, true);
    cr_assert(probe_reaches(&probe.handled, N));
    cr_assert_eq(atomic_load(&probe.failures), 0);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

SERVER_TEST(bus_nats, topics_and_keys_in_any_language_arrive)
{
    static const char *const named[] = {"käse.größe", "注文"};
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_KEYED, server, &probe);
    config.topics = named;
    config.n_topics = SL_COUNT_OF(named);
    open_probe(&probe, &config, probe_handle);
    for (unsigned i = 0; i < 20; i++)
        sl_assert_ok(probe_publish(&probe, named[i % 2], i % 2, &err), &err);
    struct probe_payload payload = {2, 1};
    struct sl_message message = {.topic = named[0],
                                 .key = "größe 注文",
                                 .payload = &payload,
                                 .payload_size = sizeof payload};
    sl_assert_ok(bus_publish(probe.bus, &message, 0, &err), &err);
    cr_assert(probe_reaches(&probe.handled, 21));
    cr_assert_eq(atomic_load(&probe.violations), 0);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}
