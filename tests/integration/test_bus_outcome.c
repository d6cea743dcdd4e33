/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes and dead letters on a real nats-server. */
#include "bus_nats_scene.h"

#include <signal.h>

#include <strandline/bus_metrics.h>
#include <strandline/bus_publish.h>

#include "nats_spy.h"
#include "stop.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define POISON   3u
#define N_ROUNDS 5u

SERVER_TEST(bus_outcome, a_publish_that_waits_returns_when_it_is_stored_or_refused)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_KEYED, server, &probe);
    struct nats_spy spy;
    struct sl_message messages[20];
    enum sl_publish_outcome outcomes[20];
    for (size_t i = 0; i < 20; i++)
        messages[i] = (struct sl_message){
            .topic = topics[i % N_TOPICS], .key = "k", .payload = "x", .payload_size = 1};
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    sl_assert_ok(bus_publish_sync(probe.bus, &messages[0], DEADLINE_NS, &err), &err);
    sl_assert_ok(bus_publish_batch(probe.bus, messages, 20, DEADLINE_NS, outcomes, &err), &err);
    for (size_t i = 0; i < 20; i++)
        cr_assert_eq(outcomes[i], SL_PUBLISH_ACCEPTED);
    cr_assert(nats_spy_open(&spy, config.servers, NULL));
    cr_assert(
        nats_spy_publish(&spy, "$JS.API.STREAM.UPDATE.test_orders",
                         "{\"name\":\"test_orders\",\"subjects\":[\"test_orders\"],"
                         "\"storage\":\"memory\",\"retention\":\"limits\",\"discard\":\"old\","
                         "\"num_replicas\":1,\"max_msg_size\":1}"));
    nats_spy_close(&spy);
    sl_assert_fails(bus_publish_sync(probe.bus, &messages[0], DEADLINE_NS, &err), SL_EPROTO, &err,
                    "refused 1 of 1");
    cr_assert_eq(atomic_load(&probe.outcomes[SL_PUBLISH_ACCEPTED]), 0, "the callback is not told");
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

SERVER_TEST(bus_outcome, a_publish_waits_no_longer_than_it_is_told_to)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_KEYED, server, &probe);
    struct sl_message message = {.topic = topics[0], .key = "k", .payload = "x", .payload_size = 1};
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    cr_assert(sl_test_stop(server->pid));
    sl_assert_fails(bus_publish_sync(probe.bus, &message, 50 * SL_NS_PER_MS, &err), SL_ETIMEDOUT,
                    &err, "no answer");
    (void) kill(server->pid, SIGCONT);
    sl_assert_ok(bus_publish_sync(probe.bus, &message, DEADLINE_NS, &err), &err);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);
}

SERVER_TEST(bus_outcome, dead_letters_are_stored_once_and_outlive_the_bus)
{
    struct probe probe = {.poison_key = POISON + 1, .fail_every = 4};
    struct probe reader = {.fail_every = 0};
    static const char *const dead_topics[] = {"dead.orders"};
    struct bus_config config = config_of(BUS_KEYED, server, &probe);
    config.max_deliver = 3;
    config.dead_letter = true;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, N_ROUNDS * PROBE_KEYS);
    cr_assert(probe_reaches(&probe.handled, N_ROUNDS * (PROBE_KEYS - 1)));
    cr_assert(sl_test_until(metrics_of(probe.bus).given_up >= N_ROUNDS, DEADLINE_NS));
    cr_assert_eq(metrics_of(probe.bus).given_up, N_ROUNDS);
    cr_assert_eq(atomic_load(&probe.violations), 0);
    (void) close_and_free(&probe, DEADLINE_NS, SL_OK);

    config = config_of(BUS_KEYED, server, &reader);
    config.topics = dead_topics;
    config.n_topics = 1;
    open_probe(&reader, &config, probe_handle);
    cr_assert(probe_reaches(&reader.handled, N_ROUNDS));
    cr_assert_eq(atomic_load(&reader.highest[POISON]), N_ROUNDS);
    cr_assert_eq(atomic_load(&reader.violations), 0);
    cr_assert_eq(atomic_load(&reader.duplicates), 0);
    (void) close_and_free(&reader, DEADLINE_NS, SL_OK);
}
