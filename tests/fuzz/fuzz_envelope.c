/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes of both formats from arbitrary bytes: refused with a text of one line that
 * names a place in them, or read as a valid envelope, which can be written in either
 * format and is then read as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/envelope.h>

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same(const struct bus_envelope *a, const struct bus_envelope *b)
{
    require(memcmp(&a->event_id, &b->event_id, sizeof a->event_id) == 0, "same event id");
    require(is_same_text(a->aggregate_id, b->aggregate_id), "same aggregate id");
    require(is_same_text(a->event_type, b->event_type), "same event type");
    require(a->event_version == b->event_version, "same event version");
    require(a->timestamp_ns == b->timestamp_ns, "same timestamp");
    require(is_same_text(a->trace_id, b->trace_id), "same trace id");
    require(is_same_text(a->correlation_id, b->correlation_id), "same correlation id");
    require(a->payload_size == b->payload_size &&
                memcmp(a->payload, b->payload, a->payload_size) == 0,
            "same payload");
}

static void check_writing(const struct bus_envelope *envelope, enum bus_envelope_format format)
{
    struct bus_envelope again = {.size = sizeof again};
    void *data = NULL;
    size_t size = 0;
    require(bus_envelope_encode(envelope, format, &data, &size, NULL) == SL_OK,
            "what was read can be written");
    require(bus_envelope_decode(data, size, &again, NULL) == SL_OK, "what was written can be read");
    check_same(envelope, &again);
    bus_envelope_release(&again);
    free(data);
}

static void check_refused(const struct sl_error *err, size_t size)
{
    require(err->status == SL_EPARSE, "bad input is malformed input");
    require(strncmp(err->text, "malformed envelope: ", 20) == 0, "the text says what failed");
    require(!strpbrk(err->text, "\n\r\x1b"), "the text is one line");
    require(strlen(err->text) < sizeof err->text - 1, "the text is whole");
    const char *place = strstr(err->text, "at byte ");
    require(place && strtoull(place + 8, NULL, 10) <= size, "the place is in the input");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bus_envelope envelope = {.size = sizeof envelope};
    struct sl_error err = {0};

    if (bus_envelope_decode(data, size, &envelope, &err) == SL_OK) {
        require(bus_envelope_validate(&envelope, NULL) == SL_OK, "what was read is valid");
        check_writing(&envelope, BUS_ENVELOPE_JSON);
        check_writing(&envelope, BUS_ENVELOPE_BINARY);
    } else {
        check_refused(&err, size);
        require(!envelope.storage, "nothing is given out on failure");
    }
    bus_envelope_release(&envelope);
    return 0;
}
