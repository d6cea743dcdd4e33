/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "envelope_sample.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

/* The sample with payload "{}", byte for byte as docs/bus.md lays it out. */
static const unsigned char layout[] =
    "\x89"
    "BEV"
    "\x01"
    "\x01\x7f\x22\xe2\x79\xb0\x7c\xc3\x98\xc4\xdc\x0c\x0c\x07\x39\x8f"
    "\x00\x0forder:7/a_b-c.d\0"
    "\x00\x1aOrder \"placed\" \\ \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9a\0"
    "\x00\x00\x00\x00\x00\x00\x00\x03"
    "\x16\xd6\x32\x0c\x3d\x4d\xcc\x01"
    "\x00\x07trace 1\0"
    "\x00\x0d"
    "correlation 2\0"
    "\x00\x00\x00\x02{}";
#define SIZE (sizeof layout - 1)

/* Offsets of fields. */
enum { ID = 5, AGGREGATE = 21, TYPE = 39, VERSION = 68, TIME = 76, TRACE = 84, PAYLOAD = 110 };

SL_TEST(envelope_binary, bytes_are_exactly_these)
{
    struct bus_envelope e = sample_envelope("{}", 2);
    void *data = NULL;
    size_t size = 0;
    sl_assert_ok(bus_envelope_encode(&e, BUS_ENVELOPE_BINARY, &data, &size, &err), &err);
    cr_assert_eq(size, SIZE);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(((unsigned char *) data)[i], layout[i], "byte %zu", i);
    free(data);
}

SL_TEST(envelope_binary, reading_copies_nothing)
{
    struct bus_envelope e = {.size = sizeof e};
    sl_assert_ok(bus_envelope_decode(layout, SIZE, &e, &err), &err);
    cr_assert_null(e.storage);
    cr_assert_eq((const void *) e.aggregate_id, layout + AGGREGATE + 2);
    cr_assert_eq(e.payload, layout + PAYLOAD + 4);
    bus_envelope_release(&e);
}

SL_TEST(envelope_binary, what_follows_the_payload_is_ignored)
{
    unsigned char longer[SIZE + 3];
    struct bus_envelope e = {.size = sizeof e};
    memcpy(longer, layout, SIZE);
    memcpy(longer + SIZE, "\x00\xff\x01", 3);
    sl_assert_ok(bus_envelope_decode(longer, sizeof longer, &e, &err), &err);
    cr_assert_eq(e.payload_size, 2);
}

SL_TEST(envelope_binary, no_part_of_an_envelope_is_one)
{
    for (size_t size = 1; size < SIZE; size++) {
        unsigned char *exact = malloc(size);
        struct bus_envelope e = {.size = sizeof e};
        memcpy(exact, layout, size);
        sl_assert_fails(bus_envelope_decode(exact, size, &e, &err), SL_EPARSE, &err,
                        size < 5 ? "no mark of the binary format" : "goes beyond the end at byte");
        free(exact);
    }
}

SL_TEST(envelope_binary, a_flaw_is_named_with_its_place)
{
    static const struct {
        size_t at;
        unsigned char byte;
        const char *text;
    } vectors[] = {
        {1, 'X', "no mark of the binary format at byte 0"},
        {4, 2, "version 2 of the binary format at byte 4, not 1"},
        {ID + 6, 0x4c, "'event_id' at byte 5 is no UUID of version 7"},
        {AGGREGATE, 0xff, "'aggregate_id' at byte 21 goes beyond the end at byte 116"},
        {AGGREGATE + 1, 0x0e, "'aggregate_id' at byte 21 does not have its zero byte at its end"},
        {AGGREGATE + 3, 0, "'aggregate_id' at byte 21 does not have its zero byte at its end"},
        {AGGREGATE + 2, '#', "'aggregate_id' at byte 21 has characters other than"},
        {TYPE + 2, 0x0a, "'event_type' at byte 39 has control characters"},
        {TYPE + 19, 'x', "'event_type' at byte 39 is no UTF-8"},
        {VERSION, 0x80, "'event_version' at byte 68 is less than 1"},
        {VERSION + 7, 0, "'event_version' at byte 68 is less than 1"},
        {TRACE + 8, 0x1f, "'trace_id' at byte 84 has control characters"},
        {PAYLOAD + 3, 3, "'payload' at byte 110 goes beyond the end at byte 116"},
        {PAYLOAD + 3, 0, "'payload' at byte 110 is empty"},
        {PAYLOAD, 0xff, "'payload' at byte 110 goes beyond the end at byte 116"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        unsigned char bytes[SIZE];
        struct bus_envelope e = {.size = sizeof e, .event_version = 99};
        memcpy(bytes, layout, SIZE);
        bytes[vectors[i].at] = vectors[i].byte;
        sl_assert_fails(bus_envelope_decode(bytes, SIZE, &e, &err), SL_EPARSE, &err,
                        vectors[i].text);
        cr_assert_eq(e.event_version, 99);
    }
}

SL_TEST(envelope_binary, a_timestamp_of_zero_is_refused)
{
    unsigned char bytes[SIZE];
    struct bus_envelope e = {.size = sizeof e};
    memcpy(bytes, layout, SIZE);
    memset(bytes + TIME, 0, 8);
    sl_assert_fails(bus_envelope_decode(bytes, SIZE, &e, &err), SL_EPARSE, &err,
                    "'timestamp' at byte 76 is not set");
}
