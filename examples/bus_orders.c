/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Example of the bus as a library: publish three events of one order, receive them in
 * order, print the metrics.
 *
 *     bus_orders [nats://127.0.0.1:4222]
 *
 * Without an argument the broker is in memory.
 */
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include <strandline/bus.h>
#include <strandline/bus_metrics.h>
#include <strandline/envelope.h>

#define SECOND UINT64_C(1000000000)

static const char *const topics[] = {"orders"};

/* Runs on threads of the bus, for one order on one at a time. */
static enum sl_status on_order(void *user, const struct sl_message *message)
{
    struct bus_envelope event = {.size = sizeof event};
    struct sl_error err = {0};
    sem_t *handled = user;

    if (bus_envelope_receive(message, &event, &err)) {
        (void) fprintf(stderr, "skipped: %s\n", err.text);
        return SL_OK; /* it would be no better the next time */
    }
    (void) printf("%s %s v%" PRId64 " %.*s\n", event.aggregate_id, event.event_type,
                  event.event_version, (int) event.payload_size, (const char *) event.payload);
    bus_envelope_release(&event);
    (void) sem_post(handled);
    return SL_OK;
}

static void on_publish(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    (void) user;
    if (outcome != SL_PUBLISH_ACCEPTED)
        (void) fprintf(stderr, "event %" PRIu64 " may be lost\n", token);
}

#define N_EVENTS 3

static enum sl_status publish_order(struct bus *bus, struct sl_error *err)
{
    static const char *const types[N_EVENTS] = {"OrderPlaced", "OrderPaid", "OrderShipped"};
    enum sl_status status = SL_OK;

    for (uint64_t i = 0; i < N_EVENTS && !status; i++) {
        char payload[32];
        int size = snprintf(payload, sizeof payload, "{\"step\":%" PRIu64 "}", i + 1);
        struct bus_envelope event = {.size = sizeof event,
                                     .aggregate_id = "order-7",
                                     .event_type = types[i],
                                     .event_version = 1,
                                     .payload = payload,
                                     .payload_size = (size_t) size};
        status = bus_envelope_stamp(&event, err);
        if (!status)
            status = bus_publish_envelope(bus, topics[0], &event, BUS_ENVELOPE_JSON, i, err);
    }
    return status ? status : bus_flush(bus, 10 * SECOND, err);
}

int main(int argc, char **argv)
{
    struct bus_config config = {.size = sizeof config,
                                .mode = BUS_UNIFIED,
                                .transport = argc > 1 ? "nats" : "memory",
                                .servers = argc > 1 ? argv[1] : NULL,
                                .prefix = "example_",
                                .topics = topics,
                                .n_topics = 1,
                                .on_publish = on_publish};
    struct bus_metrics metrics = {.size = sizeof metrics};
    struct sl_error err = {0};
    struct bus *bus = NULL;
    sem_t handled;

    (void) sem_init(&handled, 0, 0);
    enum sl_status status = bus_open(&config, &bus, &err);
    if (!status)
        status = bus_subscribe(bus, topics[0], on_order, &handled, &err);
    if (!status)
        status = publish_order(bus, &err);
    for (unsigned i = 0; i < N_EVENTS && !status; i++)
        (void) sem_wait(&handled);
    if (bus) {
        enum sl_status closed = bus_close(bus, 10 * SECOND, NULL, &err);
        status = status ? status : closed;
        bus_metrics_take(bus, &metrics);
        bus_metrics_print(&metrics, stdout);
    }
    bus_free(bus);
    if (bus_teardown(&err) || status) {
        (void) fprintf(stderr, "bus_orders: %s\n", err.text);
        return 1;
    }
    return 0;
}
