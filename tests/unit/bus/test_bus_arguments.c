/* SPDX-License-Identifier: Apache-2.0 */
/* Every public function of the bus with each of its arguments wrong, one at a time. */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include <strandline/bus_fault.h>
#include <strandline/bus_metrics.h>
#include <strandline/bus_publish.h>

#include "bus_memory_scene.h"
#include "until.h"

static struct sl_error err;

/* A call that is refused, with a text that has this in it. */
#define REFUSED(call, status, text)                                                                \
    do {                                                                                           \
        err = (struct sl_error){0};                                                                \
        sl_assert_fails(call, status, &err, text);                                                 \
    } while (0)

#define REFUSED_CONFIG(field, value, status, text)                                                 \
    do {                                                                                           \
        struct bus_config config_ = config_of(BUS_UNIFIED, &probe);                                \
        config_.field = (value);                                                                   \
        REFUSED(bus_open(&config_, &bus, &err), status, text);                                     \
        cr_assert_null(bus);                                                                       \
    } while (0)

SL_TEST(bus_arguments, each_field_of_a_configuration_is_refused_when_it_is_wrong)
{
    static const char *const hole[] = {"orders", NULL};
    struct probe probe = {.fail_every = 0};
    struct bus *bus = NULL;

    REFUSED_CONFIG(size, 0, SL_EINVAL, "size");
    REFUSED_CONFIG(mode, (enum bus_mode) 9, SL_EINVAL, "mode 9");
    REFUSED_CONFIG(storage, (enum bus_storage) 9, SL_EINVAL, "storage 9");
    REFUSED_CONFIG(transport, NULL, SL_ENOTSUP, "transport ''");
    REFUSED_CONFIG(transport, "pigeon", SL_ENOTSUP, "'pigeon'");
    REFUSED_CONFIG(prefix, "", SL_EINVAL, "prefix ''");
    REFUSED_CONFIG(prefix, "a b", SL_EINVAL, "prefix 'a b'");
    REFUSED_CONFIG(fault, "none-such", SL_ENOTSUP, "'none-such'");
    REFUSED_CONFIG(topics, NULL, SL_EINVAL, "topics");
    REFUSED_CONFIG(topics, hole, SL_EINVAL, "malformed topic ''");
    REFUSED_CONFIG(n_topics, 0, SL_EINVAL, "topics");
    REFUSED_CONFIG(n_topics, 5000, SL_EINVAL, "not 5000");
    REFUSED_CONFIG(workers, BUS_MAX_WORKERS + 1, SL_EINVAL, "workers");
    REFUSED_CONFIG(queue_capacity, BUS_MAX_QUEUE + 1, SL_EINVAL, "queue");
    REFUSED_CONFIG(stack_size, UINT64_MAX, SL_EINVAL, "stack");
    REFUSED_CONFIG(max_pending, BUS_MAX_PENDING + 1, SL_EINVAL, "pending");
    REFUSED_CONFIG(replicas, 2, SL_EINVAL, "replicas");
    REFUSED_CONFIG(replicas, BUS_MAX_REPLICAS + 2, SL_EINVAL, "replicas");
    REFUSED_CONFIG(dead_letter, true, SL_EINVAL, "dead letters");
    REFUSED_CONFIG(result_capacity, BUS_MAX_RESULTS + 1, SL_EINVAL, "results");
}

SL_TEST(bus_arguments, topics_may_have_any_letters_but_nothing_that_a_broker_reads)
{
    static const char *const bad[] = {"",     ".",     "a..b", "a.",  ".a", "a b", "a\tb",
                                      "a\nb", "a\x7f", "a*",   "a.*", ">",  "a.>", "$SYS"};
    static const char *const good[] = {"a", "a.b.c", "käse.größe", "注文", "UPPER_lower-1"};
    struct probe probe = {.fail_every = 0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bus *bus = NULL;
        struct bus_config config = config_of(BUS_UNIFIED, &probe);
        config.topics = &bad[i];
        config.n_topics = 1;
        REFUSED(bus_open(&config, &bus, &err), SL_EINVAL, "malformed topic");
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct bus_config config = config_of(BUS_UNIFIED, &probe);
        config.topics = &good[i];
        config.n_topics = 1;
        open_probe(&probe, &config, probe_handle);
        close_cleanly(&probe);
    }
}

SL_TEST(bus_arguments, opening_needs_a_configuration_and_a_place_for_the_bus)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    struct bus *bus = NULL;

    REFUSED(bus_open(NULL, &bus, &err), SL_EINVAL, "");
    REFUSED(bus_open(&config, NULL, &err), SL_EINVAL, "");
    cr_assert_eq(bus_open(NULL, NULL, NULL), SL_EINVAL);
    REFUSED(bus_purge(NULL, &err), SL_EINVAL, "");
    config.prefix = "a.b";
    REFUSED(bus_purge(&config, &err), SL_EINVAL, "prefix");
}

SL_TEST(bus_arguments, without_a_bus_nothing_is_done)
{
    struct sl_message message = {.topic = topics[0]};
    struct bus_result result;
    struct sl_driver_stats stats = {.size = sizeof stats, .threads = 7};
    struct bus_metrics metrics = {.size = sizeof metrics, .fetched = 7};
    enum sl_publish_outcome outcome;
    size_t n = 7;

    REFUSED(bus_subscribe(NULL, topics[0], probe_handle, NULL, &err), SL_EINVAL, "no bus");
    REFUSED(bus_publish(NULL, &message, 0, &err), SL_EINVAL, "no bus");
    REFUSED(bus_publish_sync(NULL, &message, 0, &err), SL_EINVAL, "no bus");
    REFUSED(bus_publish_batch(NULL, &message, 1, 0, &outcome, &err), SL_EINVAL, "no bus");
    REFUSED(bus_results_take(NULL, &result, 1, 0, &n, &err), SL_EINVAL, "no bus");
    REFUSED(bus_flush(NULL, 0, &err), SL_EINVAL, "no bus");
    REFUSED(bus_close(NULL, 0, NULL, &err), SL_EINVAL, "no bus");
    bus_stats(NULL, &stats);
    bus_metrics_take(NULL, &metrics);
    bus_free(NULL);
    cr_assert_eq(n, 7);
    cr_assert_eq(stats.threads, 7);
    cr_assert_eq(metrics.fetched, 7);
}

SL_TEST(bus_arguments, each_argument_of_a_call_on_a_bus_is_checked)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    struct sl_message message = {.topic = topics[0]}, unknown = {.topic = "unknown"};
    struct bus_result result;
    enum sl_publish_outcome outcome;
    size_t n = 7;

    config.result_capacity = 4;
    open_probe(&probe, &config, probe_handle);
    struct bus *bus = probe.bus;
    REFUSED(bus_subscribe(bus, NULL, probe_handle, NULL, &err), SL_ENOENT, "");
    REFUSED(bus_subscribe(bus, "unknown", probe_handle, NULL, &err), SL_ENOENT, "'unknown'");
    REFUSED(bus_subscribe(bus, topics[0], NULL, NULL, &err), SL_EINVAL, "handler");
    REFUSED(bus_subscribe(bus, topics[0], probe_handle, NULL, &err), SL_EBUSY, topics[0]);
    REFUSED(bus_publish(bus, NULL, 0, &err), SL_EINVAL, "no message");
    REFUSED(bus_publish(bus, &unknown, 0, &err), SL_ENOENT, "'unknown'");
    REFUSED(bus_publish_sync(bus, NULL, 0, &err), SL_EINVAL, "no messages");
    REFUSED(bus_publish_sync(bus, &unknown, SL_NS_PER_S, &err), SL_ENOENT, "'unknown'");
    REFUSED(bus_publish_batch(bus, NULL, 1, 0, &outcome, &err), SL_EINVAL, "no messages");
    REFUSED(bus_publish_batch(bus, &message, 1, 0, NULL, &err), SL_EINVAL, "place");
    REFUSED(bus_publish_batch(bus, &message, SIZE_MAX, 0, &outcome, &err), SL_ENOMEM, "batch");
    REFUSED(bus_results_take(bus, NULL, 1, 0, &n, &err), SL_EINVAL, "place");
    REFUSED(bus_results_take(bus, &result, 0, 0, &n, &err), SL_EINVAL, "place");
    REFUSED(bus_results_take(bus, &result, 1, 0, NULL, &err), SL_EINVAL, "place");
    sl_assert_ok(bus_publish_batch(bus, NULL, 0, 0, NULL, &err), &err);
    bus_stats(bus, NULL);
    bus_metrics_take(bus, NULL);
    cr_assert_eq(n, 7);
    close_cleanly(&probe);
    cr_assert_eq(atomic_load(&probe.handled), 0);
}

SL_TEST(bus_arguments, a_report_of_any_size_is_filled_no_further)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_KEYED, &probe);
    struct sl_driver_close_report report;

    open_probe(&probe, &config, probe_handle);
    memset(&report, 0xa5, sizeof report);
    report.size = 0;
    sl_assert_ok(bus_close(probe.bus, 20 * SL_NS_PER_S, &report, &err), &err);
    for (const unsigned char *byte = (unsigned char *) &report + sizeof report.size;
         byte < (unsigned char *) (&report + 1); byte++)
        cr_assert_eq(*byte, 0xa5);
    bus_free(probe.bus);
}

SL_TEST(bus_arguments, a_fault_is_checked_without_a_bus)
{
    if (!bus_faults()->name)
        cr_skip_test("built without faults");
    sl_assert_ok(bus_check_fault(NULL, NULL, &err), &err);
    sl_assert_ok(bus_check_fault("", "memory", &err), &err);
    REFUSED(bus_check_fault("none-such", NULL, &err), SL_ENOTSUP, "'none-such'");
    REFUSED(bus_check_fault("fetchers-survive-reconnect", "memory", &err), SL_ENOTSUP, "nats");
}

/* Handler; user is the size that is expected. */
static enum sl_status check_size(void *user, const struct sl_message *message)
{
    atomic_size_t *expected = user;
    size_t size = atomic_load(expected);
    (void) atomic_compare_exchange_strong(
        expected, &size, message->payload_size == size ? SIZE_MAX : message->payload_size);
    return SL_OK;
}

SL_TEST(bus_arguments, payloads_of_nothing_and_of_the_limit_arrive_and_a_byte_more_is_refused)
{
    static const size_t sizes[] = {0, 1, BUS_MAX_PAYLOAD};
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    char *payload = calloc(1, BUS_MAX_PAYLOAD + 1);
    atomic_size_t expected;

    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    sl_assert_ok(bus_subscribe(probe.bus, topics[0], check_size, &expected, &err), &err);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct sl_message message = {
            .topic = topics[0], .payload = payload, .payload_size = sizes[i]};
        atomic_store(&expected, sizes[i]);
        sl_assert_ok(bus_publish(probe.bus, &message, 0, &err), &err);
        cr_assert(sl_test_until(atomic_load(&expected) == SIZE_MAX, 20 * SL_NS_PER_S),
                  "payload of %zu bytes", sizes[i]);
    }
    struct sl_message message = {
        .topic = topics[0], .payload = payload, .payload_size = BUS_MAX_PAYLOAD + 1};
    REFUSED(bus_publish(probe.bus, &message, 0, &err), SL_EINVAL, "1048577");
    close_cleanly(&probe);
    free(payload);
}
