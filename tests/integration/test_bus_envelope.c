/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes through a real nats-server. */
#include "bus_nats_scene.h"

#include <stdatomic.h>
#include <string.h>

#include <strandline/bus_metrics.h>

#include "base/clock.h"
#include "envelope_sample.h"
#include "until.h"

/* Counts the envelopes it gets; `version` is that of the last one. */
struct receiver {
    struct bus_envelope expected;
    atomic_uint n, n_wrong;
    atomic_llong version;
};

static enum sl_status receive(void *user, const struct sl_message *message)
{
    struct receiver *receiver = user;
    struct bus_envelope envelope = {.size = sizeof envelope};
    if (bus_envelope_receive(message, &envelope, NULL)) {
        atomic_fetch_add(&receiver->n_wrong, 1);
        return SL_OK;
    }
    bool same = strcmp(envelope.aggregate_id, receiver->expected.aggregate_id) == 0 &&
                envelope.payload_size == receiver->expected.payload_size &&
                memcmp(envelope.payload, receiver->expected.payload, envelope.payload_size) == 0;
    atomic_fetch_add(same ? &receiver->n : &receiver->n_wrong, 1);
    atomic_store(&receiver->version, envelope.event_version);
    bus_envelope_release(&envelope);
    return SL_OK;
}

static bool comes(struct receiver *receiver, long long version)
{
    return sl_test_until(atomic_load(&receiver->version) >= version, DEADLINE_NS) &&
           atomic_load(&receiver->version) == version;
}

SERVER_TEST(bus_envelope, an_event_that_is_published_again_is_stored_once)
{
    struct receiver receiver = {.expected = sample_envelope("\x00\xff{", 3)};
    struct bus_envelope *event = &receiver.expected;
    struct sl_error err = {0};
    struct bus *bus = NULL;

    struct bus_config config = config_of(BUS_UNIFIED, server, NULL);
    config.on_publish = NULL;
    sl_assert_ok(bus_open(&config, &bus, &err), &err);
    sl_assert_ok(bus_subscribe(bus, topics[0], receive, &receiver, &err), &err);

    sl_assert_ok(bus_envelope_stamp(event, &err), &err);
    sl_assert_ok(bus_publish_envelope(bus, topics[0], event, BUS_ENVELOPE_JSON, 1, &err), &err);
    sl_assert_ok(bus_publish_envelope(bus, topics[0], event, BUS_ENVELOPE_BINARY, 2, &err), &err);
    cr_assert(comes(&receiver, event->event_version));
    /* Behind the second one, had there been one, because their key is the same. */
    sl_assert_ok(bus_envelope_stamp(event, &err), &err);
    event->event_version++;
    sl_assert_ok(bus_publish_envelope(bus, topics[0], event, BUS_ENVELOPE_BINARY, 3, &err), &err);
    cr_assert(comes(&receiver, event->event_version));
    sl_assert_ok(bus_flush(bus, DEADLINE_NS, &err), &err);
    cr_assert_eq(atomic_load(&receiver.n), 2);
    cr_assert_eq(atomic_load(&receiver.n_wrong), 0);

    struct bus_metrics metrics = {.size = sizeof metrics};
    bus_metrics_take(bus, &metrics);
    cr_assert_eq(metrics.published, 3);
    cr_assert_eq(metrics.accepted, 3);
    cr_assert_eq(metrics.publishes_pending, 0);
    cr_assert_eq(metrics.delivered, 2);
    cr_assert(metrics.connected);
    sl_assert_ok(bus_close(bus, DEADLINE_NS, NULL, &err), &err);
    bus_free(bus);
}
