/* SPDX-License-Identifier: Apache-2.0 */
/* Loads against a bus that handles what it is given before publish returns. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/load/handler.h"
#include "harness/load/load.h"
#include "harness/load/payload.h"

#define N_EVENTS 3u

static const struct sl_scenario_load usual = {.events = N_EVENTS,
                                              .topics = 1,
                                              .aggregates = 1,
                                              .payload = 64,
                                              .publishers = 1,
                                              .timeout_ns = 20 * SL_NS_PER_MS};
static const struct sl_load_opts opts = {.load = &usual, .prefix = "load"};

struct slow_bus {
    struct sl_driver_config config;
    sl_message_handler handler;
    void *user;
};

static enum sl_status subscribe(void *bus, const char *topic, sl_message_handler handler,
                                void *user, struct sl_error *err)
{
    struct slow_bus *slow = bus;

    (void) topic, (void) err;
    slow->handler = handler;
    slow->user = user;
    return SL_OK;
}

/* Takes longer than the whole load may. */
static enum sl_status
publish(void *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    struct slow_bus *slow = bus;

    (void) err;
    (void) slow->handler(slow->user, message);
    slow->config.on_publish(slow->config.user, token, SL_PUBLISH_ACCEPTED);
    sl_clock_sleep_ns(2 * usual.timeout_ns);
    return SL_OK;
}

static enum sl_status flush(void *bus, uint64_t timeout_ns, struct sl_error *err)
{
    (void) bus, (void) timeout_ns, (void) err;
    return SL_OK;
}

SL_TEST(load, one_that_ends_while_it_publishes_says_how_much_was_published)
{
    static const struct sl_driver driver = {
        .subscribe = subscribe, .publish = publish, .flush = flush};
    SL_AUTO(sl_load) struct sl_load *load = NULL;
    struct slow_bus bus = {.config = {.size = sizeof bus.config}};
    struct sl_load_record record = {0};
    struct sl_error err = {0};
    char expected[80];

    sl_assert_ok(sl_load_new(&opts, &load, &err), &err);
    sl_load_configure(load, &bus.config);
    sl_assert_ok(sl_load_subscribe(load, &driver, &bus, &err), &err);
    sl_assert_ok(sl_load_run(load, &driver, &bus, &err), &err);
    sl_load_record(load, &record);
    cr_assert(record.timed_out);
    /* None at all when so much time had passed before the first. */
    cr_assert_leq(record.counts.published, 1);
    (void) snprintf(expected, sizeof expected, "%u of 3 messages were published by then",
                    (unsigned) record.counts.published);
    cr_assert(strstr(record.ended, expected), "%s", record.ended);
}

SL_TEST(load, a_share_that_can_not_be_is_refused_and_leaves_nothing_to_free)
{
    static const struct sl_load_share shares[] = {
        {.part = SL_PART_PUBLISH, .number = 1, .of = 1},
        {.part = SL_PART_PUBLISH, .number = 0, .of = 2},
        {.part = SL_PART_CONSUME, .number = 0, .of = 2},
    };
    for (size_t i = 0; i < SL_COUNT_OF(shares); i++) {
        struct sl_load_opts shared = opts;
        struct sl_load *load = NULL;
        struct sl_error err = {0};

        shared.share = shares[i];
        sl_assert_fails(sl_load_new(&shared, &load, &err), SL_EINVAL, &err, "");
        sl_load_free(load); /* NULL */
    }
}

/* Handles the only message of a plan, sent by another clock at `intended_ns`. */
static struct sl_latency_summary handle_one(int64_t clock_offset_ns, uint64_t intended_ns)
{
    const struct sl_payload payload = {.intended_ns = intended_ns, .sequence = 1};
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = NULL;
    SL_AUTO(sl_histogram) struct sl_histogram *end_to_end = sl_histogram_new();
    struct sl_latency_summary summary;
    struct sl_error err = {0};
    unsigned char data[64];

    sl_assert_ok(sl_load_plan_new(&usual, 1, &plan, &err), &err);
    SL_AUTO(sl_checker) struct sl_checker *checker = sl_checker_new(plan);
    struct sl_handler handler = {.plan = plan,
                                 .checker = checker,
                                 .end_to_end = end_to_end,
                                 .clock_offset_ns = clock_offset_ns};
    const struct sl_message message = {.topic = plan->topics[0],
                                       .key = plan->keys[0],
                                       .payload = data,
                                       .payload_size = sizeof data,
                                       .deliveries = 1};

    sl_payload_write(&payload, data, sizeof data);
    sl_checker_try(checker, 0);
    sl_assert_ok(sl_handler_handle(&handler, &message), &err);
    sl_histogram_summarize(end_to_end, &summary);
    cr_assert_eq(summary.count, 1);
    return summary;
}

SL_TEST(load, latencies_count_by_the_clock_of_the_observer)
{
    const int64_t minute_ns = 60 * (int64_t) SL_NS_PER_S;
    uint64_t now_ns = sl_clock_now_ns();

    /* The own clock is a minute behind, and was so when the message was sent. */
    cr_assert_geq(handle_one(minute_ns, now_ns).min, (uint64_t) minute_ns);
    cr_assert_eq(handle_one(-minute_ns, now_ns).max, 0, "before it was sent");
}
