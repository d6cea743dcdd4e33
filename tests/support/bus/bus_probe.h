/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probe: publishes numbered messages to a bus and checks what its handler gets.
 *
 * Each key's messages carry 1, 2, 3...; the handler keeps the highest number per
 * key.  A number that was seen before is a duplicate; one that leaves a gap is a
 * violation of order.  Each key is published by one thread and, in the modes that
 * keep order, handled by one thread at a time, so plain loads and stores of atomics
 * are enough.
 */
#ifndef BUS_PROBE_H
#define BUS_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <strandline/bus.h>

#include "base/clock.h"
#include "until.h"

#define PROBE_KEYS 16u

struct probe {
    struct bus *bus;
    atomic_uint published[PROBE_KEYS];
    atomic_uint highest[PROBE_KEYS]; /* handled with success */
    atomic_uint handled, duplicates, violations, failures, overlaps;
    atomic_bool inside[PROBE_KEYS];
    atomic_uint outcomes[3]; /* by enum sl_publish_outcome */
    unsigned fail_every;     /* every so many-th number of a key fails once; 0: none */
    unsigned poison_key;     /* 1 + key whose messages always fail; 0: none */
};

struct probe_payload {
    unsigned key, number;
};

static inline void probe_on_publish(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    struct probe *probe = user;
    (void) token;
    atomic_fetch_add(&probe->outcomes[outcome], 1);
}

static inline enum sl_status probe_check(struct probe *probe, const struct sl_message *message)
{
    struct probe_payload payload;
    memcpy(&payload, message->payload, sizeof payload);
    unsigned key = payload.key;
    if (probe->poison_key == key + 1 ||
        (probe->fail_every && payload.number % probe->fail_every == 0 && message->deliveries < 2)) {
        atomic_fetch_add(&probe->failures, 1);
        return SL_EBUSY;
    }
    unsigned highest = atomic_load(&probe->highest[key]);
    if (payload.number <= highest)
        atomic_fetch_add(&probe->duplicates, 1);
    else if (payload.number != highest + 1)
        atomic_fetch_add(&probe->violations, 1);
    if (payload.number > highest) {
        atomic_store(&probe->highest[key], payload.number);
        atomic_fetch_add(&probe->handled, 1);
    }
    return SL_OK;
}

/* Handler; user is the probe. */
static inline enum sl_status probe_handle(void *user, const struct sl_message *message)
{
    struct probe *probe = user;
    struct probe_payload payload;
    memcpy(&payload, message->payload, sizeof payload);
    if (atomic_exchange(&probe->inside[payload.key], true))
        atomic_fetch_add(&probe->overlaps, 1);
    enum sl_status status = probe_check(probe, message);
    atomic_store(&probe->inside[payload.key], false);
    return status;
}

/* Publish the next message of a key to a topic. */
static inline enum sl_status
probe_publish(struct probe *probe, const char *topic, unsigned key, struct sl_error *err)
{
    char name[16], bytes[64] = {0};
    (void) snprintf(name, sizeof name, "key-%u", key);
    struct probe_payload payload = {key, atomic_load(&probe->published[key]) + 1};
    memcpy(bytes, &payload, sizeof payload);
    struct sl_message message = {
        .topic = topic, .key = name, .payload = bytes, .payload_size = sizeof bytes};
    enum sl_status status = bus_publish(probe->bus, &message, payload.number, err);
    if (!status)
        atomic_fetch_add(&probe->published[key], 1);
    return status;
}

/* Wait until a counter has reached a number.  @return whether it did within a minute */
static inline bool probe_reaches(atomic_uint *counter, unsigned number)
{
    return sl_test_until(atomic_load(counter) >= number, 60 * SL_NS_PER_S);
}

#endif
