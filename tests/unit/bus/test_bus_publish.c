/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes of publishes: waited for, and from the result queue. */
#include "sl_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <strandline/bus_metrics.h>
#include <strandline/bus_publish.h>

#include "base/clock.h"
#include "base/sync.h"
#include "bus/thread/results.h"
#include "bus/thread/waiter.h"

#define DEADLINE_NS (20 * SL_NS_PER_S)

static const char *const topics[] = {"orders"};

static struct sl_message message_of(const char *key)
{
    return (struct sl_message){.topic = "orders", .key = key, .payload = "x", .payload_size = 1};
}

static void count_outcome(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    (void) token;
    (void) outcome;
    atomic_fetch_add((atomic_uint *) user, 1);
}

static struct bus_config config_of(atomic_uint *outcomes)
{
    return (struct bus_config){.size = sizeof(struct bus_config),
                               .mode = BUS_DIRECT,
                               .transport = "memory",
                               .topics = topics,
                               .n_topics = 1,
                               .on_publish = count_outcome,
                               .user = outcomes};
}

static struct bus *open_bus(const struct bus_config *config)
{
    struct sl_error err = {0};
    struct bus *bus = NULL;
    sl_assert_ok(bus_open(config, &bus, &err), &err);
    return bus;
}

static void close_bus(struct bus *bus)
{
    struct sl_error err = {0};
    sl_assert_ok(bus_close(bus, DEADLINE_NS, NULL, &err), &err);
}

SL_TEST(bus_publish, a_publish_that_waits_tells_its_caller_and_nobody_else)
{
    atomic_uint outcomes = 0;
    struct bus_config config = config_of(&outcomes);
    config.result_capacity = 4;
    struct bus *bus = open_bus(&config);
    struct sl_error err = {0};
    struct sl_message message = message_of("key");
    struct bus_result result;
    size_t n = 0;
    sl_assert_ok(bus_publish_sync(bus, &message, DEADLINE_NS, &err), &err);
    cr_assert_eq(atomic_load(&outcomes), 0);
    sl_assert_fails(bus_results_take(bus, &result, 1, 0, &n, &err), SL_ETIMEDOUT, &err,
                    "no result");
    close_bus(bus);
    sl_assert_fails(bus_publish_sync(bus, &message, DEADLINE_NS, &err), SL_ECLOSED, &err, "closed");
    bus_free(bus);
}

SL_TEST(bus_publish, a_batch_ends_at_the_message_that_can_not_be_handed_over)
{
    atomic_uint outcomes = 0;
    struct bus_config config = config_of(&outcomes);
    struct bus *bus = open_bus(&config);
    struct sl_error err = {0};
    struct sl_message messages[] = {message_of("a"), message_of(""), message_of("b")};
    enum sl_publish_outcome told[3];
    sl_assert_fails(bus_publish_batch(bus, messages, 3, DEADLINE_NS, told, &err), SL_EINVAL, &err,
                    "key");
    cr_assert_eq(told[0], SL_PUBLISH_ACCEPTED);
    cr_assert_eq(told[1], SL_PUBLISH_REJECTED);
    cr_assert_eq(told[2], SL_PUBLISH_REJECTED);
    err = (struct sl_error){0};
    messages[1] = message_of("c");
    sl_assert_ok(bus_publish_batch(bus, messages, 3, DEADLINE_NS, told, &err), &err);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(told[i], SL_PUBLISH_ACCEPTED);
    sl_assert_ok(bus_publish_batch(bus, NULL, 0, DEADLINE_NS, NULL, &err), &err);
    close_bus(bus);
    bus_free(bus);
}

struct telling {
    struct bus *bus;
    enum sl_status sync, take;
};

static void wait_in_callback(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    struct telling *telling = user;
    struct sl_message message = message_of("key");
    struct bus_result result;
    size_t n;
    (void) token;
    (void) outcome;
    telling->sync = bus_publish_sync(telling->bus, &message, DEADLINE_NS, NULL);
    telling->take = bus_results_take(telling->bus, &result, 1, DEADLINE_NS, &n, NULL);
}

SL_TEST(bus_publish, nobody_waits_for_an_outcome_where_outcomes_are_told)
{
    struct telling telling = {.sync = SL_OK, .take = SL_OK};
    struct bus_config config = config_of(NULL);
    struct sl_error err = {0};
    struct sl_message message = message_of("key");
    config.on_publish = wait_in_callback;
    config.user = &telling;
    config.result_capacity = 1;
    telling.bus = open_bus(&config);
    sl_assert_ok(bus_publish(telling.bus, &message, 0, &err), &err);
    cr_assert_eq(telling.sync, SL_EDEADLK);
    cr_assert_eq(telling.take, SL_EDEADLK);
    close_bus(telling.bus);
    bus_free(telling.bus);
}

SL_TEST(bus_publish, results_come_in_order_and_may_be_taken_after_close)
{
    atomic_uint outcomes = 0;
    struct bus_config config = config_of(&outcomes);
    config.result_capacity = 8;
    struct bus *bus = open_bus(&config);
    struct sl_error err = {0};
    struct sl_message message = message_of("key");
    struct bus_result results[8];
    uint64_t expected = 0;
    size_t n = 0;
    for (uint64_t token = 0; token < 8; token++)
        sl_assert_ok(bus_publish(bus, &message, token, &err), &err);
    close_bus(bus);
    while (expected < 8) {
        sl_assert_ok(bus_results_take(bus, results, 3, DEADLINE_NS, &n, &err), &err);
        for (size_t i = 0; i < n; i++, expected++) {
            cr_assert_eq(results[i].token, expected);
            cr_assert_eq(results[i].outcome, SL_PUBLISH_ACCEPTED);
        }
    }
    sl_assert_fails(bus_results_take(bus, results, 3, DEADLINE_NS, &n, &err), SL_ECLOSED, &err,
                    "no more");
    cr_assert_eq(atomic_load(&outcomes), 8, "the callback is told as well");
    bus_free(bus);
}

static void count_line(void *user, const char *line)
{
    if (strstr(line, "dropped the result"))
        atomic_fetch_add((atomic_uint *) user, 1);
}

SL_TEST(bus_publish, a_full_result_queue_waits_once_then_drops_and_says_so)
{
    atomic_uint outcomes = 0, lines = 0;
    struct bus_config config = config_of(&outcomes);
    config.result_capacity = 2;
    config.result_wait_ns = 50 * SL_NS_PER_MS;
    config.log = count_line;
    config.log_user = &lines;
    struct bus *bus = open_bus(&config);
    struct sl_error err = {0};
    struct sl_message message = message_of("key");
    struct bus_metrics metrics = {.size = sizeof metrics};
    struct bus_result results[4];
    size_t n = 0;
    uint64_t began_ns = sl_clock_now_ns();
    for (uint64_t token = 0; token < 100; token++)
        sl_assert_ok(bus_publish(bus, &message, token, &err), &err);
    cr_assert_geq(sl_clock_now_ns() - began_ns, 50 * SL_NS_PER_MS);
    bus_metrics_take(bus, &metrics);
    cr_assert_eq(metrics.results_dropped, 98);
    cr_assert_eq(atomic_load(&lines), 1, "98 drops, one line");
    sl_assert_ok(bus_results_take(bus, results, 4, 0, &n, &err), &err);
    cr_assert_eq(n, 2);
    sl_assert_ok(bus_publish(bus, &message, 100, &err), &err);
    sl_assert_ok(bus_results_take(bus, results, 4, 0, &n, &err), &err);
    cr_assert_eq(results[0].token, 100, "who takes again gets what comes then");
    close_bus(bus);
    bus_free(bus);
}

static void *take_two(void *argument)
{
    struct bus_result taken[2];
    bool ended = false;
    size_t n = results_take(argument, taken, 2, SYNC_FOREVER, &ended);
    return n == 2 ? argument : NULL;
}

SL_TEST(bus_publish, a_result_that_finds_no_room_waits_for_it)
{
    struct results results;
    pthread_t taker;
    void *returned = NULL;
    cr_assert(results_init(&results, 2));
    struct bus_result result = {.token = 0};
    cr_assert_eq(results_put(&results, &result, DEADLINE_NS), RESULTS_PUT);
    cr_assert_eq(results_put(&results, &result, DEADLINE_NS), RESULTS_PUT);
    cr_assert_eq(pthread_create(&taker, NULL, take_two, &results), 0);
    enum results_put how = results_put(&results, &result, DEADLINE_NS);
    cr_assert_neq(how, RESULTS_DROPPED);
    cr_assert_eq(pthread_join(taker, &returned), 0);
    cr_assert_eq(returned, &results);
    results_end(&results);
    results_release(&results);
}

static void *take_until_closed(void *argument)
{
    struct bus_result result;
    size_t n = 0;
    return bus_results_take(argument, &result, 1, DEADLINE_NS, &n, NULL) == SL_ECLOSED ? argument
                                                                                       : NULL;
}

SL_TEST(bus_publish, close_wakes_who_waits_for_a_result)
{
    atomic_uint outcomes = 0;
    struct bus_config config = config_of(&outcomes);
    config.result_capacity = 2;
    struct bus *bus = open_bus(&config);
    pthread_t taker;
    void *returned = NULL;
    cr_assert_eq(pthread_create(&taker, NULL, take_until_closed, bus), 0);
    close_bus(bus);
    cr_assert_eq(pthread_join(taker, &returned), 0);
    cr_assert_eq(returned, bus);
    bus_free(bus);
}

SL_TEST(bus_publish, an_outcome_may_come_when_nobody_waits_any_more)
{
    struct waiter *waiter = waiter_new(2);
    struct ticket first = waiter_issue(waiter, 0), second = waiter_issue(waiter, 1);
    waiter_tell(first, SL_PUBLISH_ACCEPTED);
    cr_assert_not(waiter_wait(waiter, 0));
    cr_assert_eq(waiter_outcome(waiter, 0), SL_PUBLISH_ACCEPTED);
    cr_assert_eq(waiter_outcome(waiter, 1), SL_PUBLISH_UNKNOWN);
    waiter_free(waiter);
    waiter_tell(second, SL_PUBLISH_ACCEPTED); /* frees it; a leak would be found */
}
