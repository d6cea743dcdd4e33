/* SPDX-License-Identifier: Apache-2.0 */
/* When the bus asks a nats-server for messages, as somebody who listens to it sees it. */
#include "sl_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <strandline/bus_publish.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/server/server.h"
#include "nats_spy.h"
#include "server_harm.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define DEADLINE_NS (30 * SL_NS_PER_S)

/* Of bus/nats/pull.c: requests of 500 messages, four at once. */
#define N_REQUESTS 4u
#define N_BATCH    500u

#define REQUESTS "$JS.API.CONSUMER.MSG.NEXT.pull_a.pull_a"

static const char *const topics[] = {"a"};

struct scene {
    struct sl_server *server;
    struct bus *bus;
    struct nats_spy spy;
    atomic_uint handled;
};

static enum sl_status handle(void *user, const struct sl_message *message)
{
    (void) message;
    atomic_fetch_add(&((struct scene *) user)->handled, 1);
    return SL_OK;
}

/* A bus with a stream and no consumer yet, and a spy. */
static void begin(struct scene *scene)
{
    *scene = (struct scene){.server = NULL};
    enum sl_status status = sl_server_start(NULL, &scene->server, &err);
    if (status == SL_ENOENT)
        cr_skip_test("no nats-server is installed");
    cr_assert_eq(status, SL_OK, "%s", err.text);
    struct bus_config config = {.size = sizeof config,
                                .mode = BUS_UNIFIED,
                                .transport = "nats",
                                .servers = sl_server_url(scene->server),
                                .prefix = "pull_",
                                .topics = topics,
                                .n_topics = 1,
                                .workers = 2};
    sl_assert_ok(bus_open(&config, &scene->bus, &err), &err);
    cr_assert(nats_spy_open(&scene->spy, config.servers, REQUESTS));
}

static void subscribe(struct scene *scene)
{
    sl_assert_ok(bus_subscribe(scene->bus, topics[0], handle, scene, &err), &err);
}

static void end(struct scene *scene)
{
    sl_assert_ok(bus_close(scene->bus, DEADLINE_NS, NULL, &err), &err);
    bus_free(scene->bus);
    sl_assert_ok(bus_teardown(&err), &err);
    nats_spy_close(&scene->spy);
    sl_server_stop(scene->server);
}

static void publish(struct scene *scene, unsigned n)
{
    struct sl_message message = {.topic = "a", .payload = "x", .payload_size = 1};
    for (unsigned i = 0; i < n; i++)
        sl_assert_ok(bus_publish(scene->bus, &message, i, &err), &err);
}

static bool handles(struct scene *scene, unsigned n)
{
    return sl_test_until(atomic_load(&scene->handled) >= n, DEADLINE_NS);
}

static bool asks(struct scene *scene, unsigned n)
{
    return sl_test_until(nats_spy_count(&scene->spy) >= n, DEADLINE_NS);
}

/* Delete the consumer and create one of its name, with something added to its configuration. */
static void make_consumer_again(struct scene *scene, const char *added)
{
    char request[512];
    (void) snprintf(request, sizeof request,
                    "{\"stream_name\":\"pull_a\",\"config\":{\"durable_name\":\"pull_a\","
                    "\"ack_policy\":\"explicit\",\"mem_storage\":true,\"max_ack_pending\":-1%s}}",
                    added);
    cr_assert(nats_spy_publish(&scene->spy, "$JS.API.CONSUMER.DELETE.pull_a.pull_a", ""));
    cr_assert(
        nats_spy_publish(&scene->spy, "$JS.API.CONSUMER.DURABLE.CREATE.pull_a.pull_a", request));
}

SL_TEST(bus_pull, several_requests_are_under_way_and_renewed_at_half)
{
    SL_CLEANUP(end) struct scene scene;
    begin(&scene);
    subscribe(&scene);
    cr_assert(asks(&scene, N_REQUESTS));
    publish(&scene, N_REQUESTS * N_BATCH / 2 - 1);
    cr_assert(handles(&scene, N_REQUESTS * N_BATCH / 2 - 1));
    cr_assert_eq(nats_spy_count(&scene.spy), N_REQUESTS, "more than half is under way");
    publish(&scene, 1);
    cr_assert(asks(&scene, N_REQUESTS + N_REQUESTS / 2));
    cr_assert_eq(nats_spy_count(&scene.spy), N_REQUESTS + N_REQUESTS / 2);
}

SL_TEST(bus_pull, a_server_that_was_silent_is_asked_again)
{
    SL_CLEANUP(end) struct scene scene;
    begin(&scene);
    subscribe(&scene);
    cr_assert(asks(&scene, N_REQUESTS));
    server_harm_pause(scene.server, 0);
    sl_clock_sleep_ns(5 * SL_NS_PER_S); /* no heartbeat for longer than the bus bears it */
    server_harm_resume(scene.server, 0);
    cr_assert(asks(&scene, 2 * N_REQUESTS));
    publish(&scene, 10);
    cr_assert(handles(&scene, 10));
}

SL_TEST(bus_pull, a_new_connection_asks_again)
{
    SL_CLEANUP(end) struct scene scene;
    begin(&scene);
    subscribe(&scene);
    cr_assert(asks(&scene, N_REQUESTS));
    nats_spy_close(&scene.spy);
    server_harm_kill(scene.server, 0); /* with the streams, which are in its memory */
    sl_assert_ok(sl_server_restart(scene.server, &err), &err);
    cr_assert(nats_spy_open(&scene.spy, sl_server_url(scene.server), REQUESTS));
    cr_assert(asks(&scene, 1));
}

SL_TEST(bus_pull, a_consumer_that_was_deleted_and_made_again_is_asked_again)
{
    SL_CLEANUP(end) struct scene scene;
    begin(&scene);
    subscribe(&scene);
    cr_assert(asks(&scene, N_REQUESTS));
    make_consumer_again(&scene, "");
    publish(&scene, 10);
    cr_assert(handles(&scene, 10));
}

SL_TEST(bus_pull, requests_that_are_refused_are_not_repeated_at_once)
{
    SL_CLEANUP(end) struct scene scene;
    begin(&scene);
    subscribe(&scene);
    cr_assert(asks(&scene, N_REQUESTS));
    make_consumer_again(&scene, ",\"max_waiting\":2"); /* of four requests two get a 409 */
    uint64_t began_ns = sl_clock_now_ns();
    publish(&scene, 5 * N_BATCH);
    cr_assert(handles(&scene, 5 * N_BATCH));
    sl_clock_sleep_ns(SL_NS_PER_S);
    unsigned n = nats_spy_count(&scene.spy);
    uint64_t took_ns = sl_clock_now_ns() - began_ns;
    cr_assert_leq(n, N_REQUESTS * (took_ns / (100 * SL_NS_PER_MS) + 3), "%u requests in %llu ms", n,
                  (unsigned long long) (took_ns / SL_NS_PER_MS));
}
