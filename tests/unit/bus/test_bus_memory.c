/* SPDX-License-Identifier: Apache-2.0 */
/* The in-memory broker by itself, without a bus in front of it. */
#include "sl_test.h"

#include <string.h>

#include "base/macros.h"
#include "base/sync.h"
#include "bus/transport_memory.h"

static const char *const topics[] = {"orders"};

struct broker {
    struct ledger ledger;
    struct transport *transport;
    struct subscription *subscription;
    const struct transport_ops *ops;
    unsigned accepted;
};

static void on_outcome(void *user, struct ticket ticket, enum sl_publish_outcome outcome)
{
    (void) ticket;
    ((struct broker *) user)->accepted += outcome == SL_PUBLISH_ACCEPTED;
}

static void broker_open(struct broker *broker, uint64_t ack_wait_ns)
{
    struct sl_error err = {0};
    *broker = (struct broker){.ops = &transport_memory};
    ledger_init(&broker->ledger, broker, 1, 65536);
    struct transport_config config = {.topics = topics,
                                      .n_topics = 1,
                                      .ack_wait_ns = ack_wait_ns,
                                      .ledger = &broker->ledger,
                                      .on_outcome = on_outcome,
                                      .user = broker};
    sl_assert_ok(broker->ops->open(&config, &broker->transport, &err), &err);
    sl_assert_ok(broker->ops->subscribe(broker->transport, 0, &broker->subscription, &err), &err);
}

static void broker_close(struct broker *broker)
{
    broker->ops->stop(broker->subscription);
    (void) broker->ops->finish(broker->transport, sync_deadline(20 * SL_NS_PER_S));
    cr_assert_eq(ledger_count(&broker->ledger), 0);
    broker->ops->close(broker->transport, false);
    broker->ops->free(broker->transport);
    ledger_release(&broker->ledger);
}

static void publish(struct broker *broker, const char *key, const char *payload)
{
    struct sl_error err = {0};
    struct sl_message message = {
        .topic = topics[0], .key = key, .payload = payload, .payload_size = strlen(payload)};
    sl_assert_ok(
        broker->ops->publish(broker->transport, 0, &message, NULL, (struct ticket){0}, &err), &err);
}

static struct delivery fetch_one(struct broker *broker)
{
    struct delivery delivery = {.handle = NULL};
    size_t n = 0;
    cr_assert_eq(broker->ops->fetch(broker->subscription, &delivery, 1, &n), SL_OK);
    cr_assert_eq(n, 1);
    return delivery;
}

static bool is_payload(const struct delivery *delivery, const char *payload)
{
    return delivery->message.payload_size == strlen(payload) &&
           memcmp(delivery->message.payload, payload, strlen(payload)) == 0;
}

SL_TEST(bus_memory, a_message_arrives_as_it_was_published)
{
    SL_CLEANUP(broker_close) struct broker broker;
    broker_open(&broker, SL_NS_PER_S);
    publish(&broker, "key", "payload");
    publish(&broker, NULL, "");
    cr_assert_eq(broker.accepted, 2);
    struct delivery delivery = fetch_one(&broker);
    cr_assert_str_eq(delivery.message.key, "key");
    cr_assert(is_payload(&delivery, "payload"));
    cr_assert_eq(delivery.message.deliveries, 1);
    cr_assert_eq(broker.ops->count_held(broker.transport), 1);
    broker.ops->ack(broker.subscription, &delivery, 1);
    delivery = fetch_one(&broker);
    cr_assert_null(delivery.message.key);
    cr_assert(is_payload(&delivery, ""));
    broker.ops->ack(broker.subscription, &delivery, 1);
    cr_assert_eq(broker.ops->count_held(broker.transport), 0);
}

SL_TEST(bus_memory, what_is_not_acknowledged_comes_again_and_before_newer_messages)
{
    SL_CLEANUP(broker_close) struct broker broker;
    broker_open(&broker, SL_NS_PER_MS);
    publish(&broker, "a", "1");
    struct delivery first = fetch_one(&broker);
    struct delivery again = fetch_one(&broker); /* waits for the redelivery */
    cr_assert(is_payload(&again, "1"));
    cr_assert_eq(again.message.deliveries, 2);
    cr_assert_eq(broker.ops->count_held(broker.transport), 2);
    broker.ops->ack(broker.subscription, &first, 1); /* one acknowledgement is enough */
    publish(&broker, "a", "2");
    struct delivery second = fetch_one(&broker);
    cr_assert(is_payload(&second, "2"));
    cr_assert(is_payload(&again, "1"), "a message stays readable for its last holder");
    broker.ops->ack(broker.subscription, &again, 1);
    broker.ops->ack(broker.subscription, &second, 1);
}

SL_TEST(bus_memory, what_is_given_back_comes_again_after_its_delay)
{
    SL_CLEANUP(broker_close) struct broker broker;
    broker_open(&broker, 60 * SL_NS_PER_S);
    publish(&broker, "a", "1");
    struct delivery delivery = fetch_one(&broker);
    uint64_t given_ns = sl_clock_now_ns();
    broker.ops->give_back(broker.subscription, &delivery, 1, 5 * SL_NS_PER_MS);
    delivery = fetch_one(&broker);
    cr_assert_geq(sl_clock_now_ns() - given_ns, 5 * SL_NS_PER_MS);
    cr_assert_eq(delivery.message.deliveries, 2);
    broker.ops->ack(broker.subscription, &delivery, 1);
}

SL_TEST(bus_memory, what_was_acknowledged_meanwhile_is_not_given_back)
{
    SL_CLEANUP(broker_close) struct broker broker;
    broker_open(&broker, SL_NS_PER_MS);
    publish(&broker, "a", "1");
    struct delivery first = fetch_one(&broker);
    struct delivery again = fetch_one(&broker); /* waits for the redelivery */
    broker.ops->ack(broker.subscription, &first, 1);
    broker.ops->give_back(broker.subscription, &again, 1, 0);
    cr_assert_eq(broker.ops->count_held(broker.transport), 0);
    publish(&broker, "a", "2");
    struct delivery second = fetch_one(&broker);
    cr_assert(is_payload(&second, "2"));
    cr_assert_eq(broker.subscription->n_behind, 0);
    broker.ops->ack(broker.subscription, &second, 1);
}

SL_TEST(bus_memory, a_stopped_subscription_fetches_nothing)
{
    SL_CLEANUP(broker_close) struct broker broker;
    struct delivery delivery;
    size_t n = 7;
    broker_open(&broker, SL_NS_PER_S);
    publish(&broker, "a", "1");
    broker.ops->stop(broker.subscription);
    cr_assert_eq(broker.ops->fetch(broker.subscription, &delivery, 1, &n), SL_ECLOSED);
    cr_assert_eq(n, 7);
}
