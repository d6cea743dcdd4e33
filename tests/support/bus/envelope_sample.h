/* SPDX-License-Identifier: Apache-2.0 */
/* A valid envelope with every field set, and the comparison of two. */
#ifndef ENVELOPE_SAMPLE_H
#define ENVELOPE_SAMPLE_H

#include <string.h>

#include <strandline/envelope.h>

/* Of the UUID that RFC 9562 gives as its example of version 7. */
#define SAMPLE_ID "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

static inline struct bus_envelope sample_envelope(const void *payload, size_t payload_size)
{
    return (struct bus_envelope){
        .size = sizeof(struct bus_envelope),
        .event_id = {{0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3, 0x98, 0xc4, 0xdc, 0x0c, 0x0c,
                      0x07, 0x39, 0x8f}},
        .aggregate_id = "order:7/a_b-c.d",
        .event_type = "Order \"placed\" \\ \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9a",
        .event_version = 3,
        .timestamp_ns = UINT64_C(1645557742000000001),
        .trace_id = "trace 1",
        .correlation_id = "correlation 2",
        .payload = payload,
        .payload_size = payload_size,
    };
}

static inline bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool is_same_envelope(const struct bus_envelope *a, const struct bus_envelope *b)
{
    return memcmp(&a->event_id, &b->event_id, sizeof a->event_id) == 0 &&
           is_same_text(a->aggregate_id, b->aggregate_id) &&
           is_same_text(a->event_type, b->event_type) && a->event_version == b->event_version &&
           a->timestamp_ns == b->timestamp_ns && is_same_text(a->trace_id, b->trace_id) &&
           is_same_text(a->correlation_id, b->correlation_id) &&
           a->payload_size == b->payload_size &&
           memcmp(a->payload, b->payload, a->payload_size) == 0;
}

#endif
