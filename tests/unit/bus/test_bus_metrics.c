/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges of a bus on the in-memory transport, and their text. */
#include "sl_test.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/bus_metrics.h>

#include "base/clock.h"
#include "open_metrics.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

static const char *const topics[] = {"orders", "stock"};

/* A handler that waits, then fails as often as it is told to. */
struct handling {
    sem_t proceed;
    atomic_int failures;
};

static enum sl_status handle(void *user, const struct sl_message *message)
{
    struct handling *handling = user;
    (void) message;
    while (sem_wait(&handling->proceed))
        continue;
    return atomic_fetch_sub(&handling->failures, 1) > 0 ? SL_EBUSY : SL_OK;
}

static struct bus *open_bus(enum bus_mode mode, struct handling *handling)
{
    struct bus_config config = {.size = sizeof config,
                                .mode = mode,
                                .transport = "memory",
                                .topics = topics,
                                .n_topics = 2,
                                .workers = 3};
    struct bus *bus = NULL;
    cr_assert_eq(sem_init(&handling->proceed, 0, 0), 0);
    atomic_init(&handling->failures, 0);
    sl_assert_ok(bus_open(&config, &bus, &err), &err);
    for (size_t i = 0; i < 2; i++)
        sl_assert_ok(bus_subscribe(bus, topics[i], handle, handling, &err), &err);
    return bus;
}

static void close_bus(struct bus *bus)
{
    sl_assert_ok(bus_close(bus, 20 * SL_NS_PER_S, NULL, &err), &err);
}

static void publish(struct bus *bus, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct sl_message message = {
            .topic = topics[i % 2], .key = "key", .payload = "x", .payload_size = 1};
        sl_assert_ok(bus_publish(bus, &message, i, &err), &err);
    }
}

static struct bus_metrics take(const struct bus *bus)
{
    struct bus_metrics metrics = {.size = sizeof metrics};
    bus_metrics_take(bus, &metrics);
    return metrics;
}

/* Wait until so many messages are acknowledged. */
static struct bus_metrics take_when_acked(const struct bus *bus, uint64_t n)
{
    cr_assert(sl_test_until(take(bus).acked >= n, 20 * SL_NS_PER_S));
    return take(bus);
}

static void proceed(struct handling *handling, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void) sem_post(&handling->proceed);
}

SL_TEST(bus_metrics, messages_are_counted_where_they_are)
{
    struct handling handling;
    struct bus *bus = open_bus(BUS_UNIFIED, &handling);
    struct bus_metrics m = take(bus);
    cr_assert_eq(m.published + m.fetched + m.delivered + m.acked + m.held, 0);
    cr_assert_eq(m.threads, 2 + 3 + 2);
    cr_assert(m.connected);
    cr_assert_eq(m.state, BUS_RUNNING);

    publish(bus, 20);
    cr_assert(sl_test_until(take(bus).fetched >= 20, 20 * SL_NS_PER_S));
    m = take(bus);
    cr_assert_eq(m.published, 20);
    cr_assert_eq(m.accepted, 20);
    cr_assert_eq(m.publishes_pending, 0);
    cr_assert_eq(m.fetched, 20);
    cr_assert_eq(m.held, 20);
    cr_assert_eq(m.acked, 0);

    atomic_store(&handling.failures, 3);
    proceed(&handling, 23);
    m = take_when_acked(bus, 20);
    cr_assert_eq(m.acked, 20);
    cr_assert_eq(m.held, 0);
    cr_assert_eq(m.delivered, 23);
    cr_assert_eq(m.redelivered, 3);
    cr_assert_eq(m.handler_errors, 3);
    cr_assert_eq(
        m.given_back + m.queue_full + m.reconnects + m.publish_errors + m.rejected + m.unknown, 0);

    close_bus(bus);
    m = take(bus);
    cr_assert_eq(m.acked, 20);
    cr_assert_eq(m.threads, 0);
    cr_assert_not(m.connected);
    cr_assert_eq(m.state, BUS_CLOSED);
    bus_free(bus);
}

SL_TEST(bus_metrics, a_backlog_is_seen_with_the_first_fetch)
{
    static const char *const one[] = {"orders"};
    struct bus_config config = {
        .size = sizeof config, .transport = "memory", .topics = one, .n_topics = 1, .workers = 3};
    struct sl_message message = {.topic = "orders", .key = "key"};
    struct handling handling;
    struct bus *bus = NULL;
    struct bus_metrics m;
    cr_assert_eq(sem_init(&handling.proceed, 0, 0), 0);
    atomic_init(&handling.failures, 0);
    sl_assert_ok(bus_open(&config, &bus, &err), &err);
    for (unsigned i = 0; i < 5000; i++)
        sl_assert_ok(bus_publish(bus, &message, i, &err), &err);
    cr_assert_eq(take(bus).behind, 0, "nobody has asked the broker yet");
    sl_assert_ok(bus_subscribe(bus, "orders", handle, &handling, &err), &err);
    cr_assert(sl_test_until((m = take(bus), m.behind > 0) && m.fetched + m.behind == 5000,
                            20 * SL_NS_PER_S));
    proceed(&handling, 5000);
    cr_assert_eq(take_when_acked(bus, 5000).behind, 0);
    close_bus(bus);
    bus_free(bus);
}

SL_TEST(bus_metrics, in_direct_mode_a_failed_message_is_given_back_and_fetched_again)
{
    struct handling handling;
    struct bus *bus = open_bus(BUS_DIRECT, &handling);
    atomic_store(&handling.failures, 2);
    proceed(&handling, 12);
    publish(bus, 10);
    struct bus_metrics m = take_when_acked(bus, 10);
    cr_assert_eq(m.fetched, 12);
    cr_assert_eq(m.given_back, 2);
    cr_assert_eq(m.acked, 10);
    cr_assert_eq(m.held, 0);
    close_bus(bus);
    bus_free(bus);
}

SL_TEST(bus_metrics, what_is_refused_before_the_transport_is_not_published)
{
    struct handling handling;
    struct bus *bus = open_bus(BUS_UNIFIED, &handling);
    struct sl_message unknown = {.topic = "other"}, keyless = {.topic = topics[0], .key = ""};
    cr_assert_eq(bus_publish(bus, &unknown, 0, NULL), SL_ENOENT);
    cr_assert_eq(bus_publish(bus, &keyless, 0, NULL), SL_EINVAL);
    close_bus(bus);
    keyless.key = NULL;
    cr_assert_eq(bus_publish(bus, &keyless, 0, NULL), SL_ECLOSED);
    cr_assert_eq(take(bus).published, 0);
    bus_free(bus);
}

SL_TEST(bus_metrics, no_more_than_the_callers_size_is_filled)
{
    struct handling handling;
    struct bus *bus = open_bus(BUS_UNIFIED, &handling);
    struct bus_metrics m;
    memset(&m, 0xaa, sizeof m);
    m.size = offsetof(struct bus_metrics, accepted);
    proceed(&handling, 1);
    publish(bus, 1);
    bus_metrics_take(bus, &m);
    cr_assert_eq(m.published, 1);
    cr_assert_eq(m.size, offsetof(struct bus_metrics, accepted));
    cr_assert_eq(m.accepted, UINT64_C(0xaaaaaaaaaaaaaaaa));
    close_bus(bus);
    bus_free(bus);
}

static char *print(const struct bus_metrics *metrics)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bus_metrics_print(metrics, out);
    cr_assert_not(ferror(out));
    (void) fclose(out);
    return text;
}

/* What print() makes of the metrics in the next test. */
static const struct {
    const char *name;
    double value;
} expected[] = {
    {"strandline_bus_published_messages_total", 1},
    {"strandline_bus_publish_errors_total", 2},
    {"strandline_bus_accepted_messages_total", 3},
    {"strandline_bus_rejected_messages_total", 4},
    {"strandline_bus_unknown_messages_total", 5},
    {"strandline_bus_fetched_messages_total", 6},
    {"strandline_bus_delivered_messages_total", 7},
    {"strandline_bus_redelivered_messages_total", 8},
    {"strandline_bus_handler_errors_total", 9},
    {"strandline_bus_acked_messages_total", 10},
    {"strandline_bus_given_back_messages_total", 11},
    {"strandline_bus_queue_full_pauses_total", 12},
    {"strandline_bus_given_up_messages_total", 17},
    {"strandline_bus_results_waits_total", 18},
    {"strandline_bus_dropped_results_total", 19},
    {"strandline_bus_reconnects_total", 13},
    {"strandline_bus_pending_publishes", 14},
    {"strandline_bus_behind_messages", 20},
    {"strandline_bus_held_messages", 15},
    {"strandline_bus_threads", 16},
    {"strandline_bus_connected", 1},
    {"strandline_bus_state{strandline_bus_state=\"running\"}", 0},
    {"strandline_bus_state{strandline_bus_state=\"closing\"}", 1},
    {"strandline_bus_state{strandline_bus_state=\"closed\"}", 0},
};

SL_TEST(bus_metrics, the_text_is_openmetrics_and_has_every_number)
{
    struct bus_metrics m = {.size = sizeof m,
                            .published = 1,
                            .publish_errors = 2,
                            .accepted = 3,
                            .rejected = 4,
                            .unknown = 5,
                            .fetched = 6,
                            .delivered = 7,
                            .redelivered = 8,
                            .handler_errors = 9,
                            .acked = 10,
                            .given_back = 11,
                            .queue_full = 12,
                            .reconnects = 13,
                            .publishes_pending = 14,
                            .held = 15,
                            .behind = 20,
                            .threads = 16,
                            .given_up = 17,
                            .results_waits = 18,
                            .results_dropped = 19,
                            .connected = true,
                            .state = BUS_CLOSING};
    struct open_metrics read;
    char *text = print(&m);
    open_metrics_read(text, &read);
    cr_assert_str_eq(read.flaw, "", "%s\n%s", read.flaw, text);
    cr_assert_eq(read.n_samples, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_assert_eq(open_metrics_get(&read, expected[i].name), expected[i].value, "%s",
                     expected[i].name);
    free(text);
}

SL_TEST(bus_metrics, the_largest_number_is_written_whole)
{
    struct bus_metrics m = {.size = sizeof m, .published = UINT64_MAX};
    char *text = print(&m);
    cr_assert(strstr(text, "strandline_bus_published_messages_total 18446744073709551615\n"));
    free(text);
}

SL_TEST(bus_metrics, the_reader_of_this_test_refuses_what_is_not_openmetrics)
{
    static const struct {
        const char *text, *flaw;
    } vectors[] = {
        {"", "no EOF"},
        {"# TYPE a gauge\na 1\n", "no EOF"},
        {"# EOF", "line 1"},
        {"# EOF\n\n", "line 2"},
        {"# EOF\n# EOF\n", "line 2"},
        {"a 1\n# EOF\n", "a sample without a type"},
        {"# TYPE a counter\na 1\n# EOF\n", "without the suffix"},
        {"# TYPE a gauge\na  1\n# EOF\n", "one space"},
        {"# TYPE a gauge\na x\n# EOF\n", "no number"},
        {"# TYPE a gauge\na 1\na 1\n# EOF\n", "a sample twice"},
        {"# TYPE a gauge\na 1\n# HELP a b\n# EOF\n", "behind a sample"},
        {"# TYPE a gauge\n# TYPE a gauge\na 1\n# EOF\n", "a second TYPE"},
        {"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n", "there twice"},
        {"# TYPE a counter\n# UNIT a bytes\na_total 1\n# EOF\n", "not the end of the name"},
        {"# TYPE a counter\na_total -1\n# EOF\n", "a negative number"},
        {"# TYPE a stateset\na{b=\"c\"} 1\n# EOF\n", "no label of the stateset's name"},
        {"# TYPE a stateset\na{a=\"c\"} 2\n# EOF\n", "neither 0 nor 1"},
        {"# TYPE 1a gauge\n# EOF\n", "no name of a family"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct open_metrics read;
        open_metrics_read(vectors[i].text, &read);
        cr_assert(strstr(read.flaw, vectors[i].flaw), "%s\n'%s' lacks '%s'", vectors[i].text,
                  read.flaw, vectors[i].flaw);
    }
}
