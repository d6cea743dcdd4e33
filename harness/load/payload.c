/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/payload.h"

#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "base/hash.h"
#include "scenarios/scenario.h"

#define PAYLOAD_MAGIC UINT64_C(0x73747261646c696e)

/* As it lies in the message.  One process writes and reads it, so in native byte order. */
struct wire {
    uint64_t magic;
    uint64_t size; /* of the whole payload */
    struct sl_payload payload;
    uint64_t checksum; /* of everything above */
};
_Static_assert(sizeof(struct wire) <= SL_PAYLOAD_MIN, "the smallest payload holds the header");
_Static_assert(sizeof(struct sl_payload) == 32, "no padding, whose bytes would not be defined");

static uint64_t checksum_of(const struct wire *wire)
{
    return sl_fnv64(SL_FNV64_BASIS, wire, offsetof(struct wire, checksum));
}

/* Eight bytes at an offset behind the header; they differ from message to message. */
static uint64_t pattern_at(const struct wire *wire, size_t offset)
{
    return (wire->checksum + offset) * UINT64_C(0x9e3779b97f4a7c15);
}

void sl_payload_write(const struct sl_payload *payload, void *data, size_t size)
{
    struct wire wire = {.magic = PAYLOAD_MAGIC, .size = size, .payload = *payload};
    unsigned char *bytes = data;

    wire.checksum = checksum_of(&wire);
    memcpy(bytes, &wire, sizeof wire);
    size_t at = sizeof wire;
    for (; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
        uint64_t word = pattern_at(&wire, at);
        memcpy(bytes + at, &word, sizeof word);
    }
    uint64_t rest = pattern_at(&wire, at);
    memcpy(bytes + at, &rest, size - at);
}

static bool pattern_holds(const struct wire *wire, const unsigned char *bytes, size_t size)
{
    uint64_t difference = 0; /* collected without a branch: this runs for every message */
    size_t at = sizeof *wire;

    for (uint64_t word; at + sizeof word <= size; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        difference |= word ^ pattern_at(wire, at);
    }
    uint64_t rest = pattern_at(wire, at);
    return !difference && memcmp(bytes + at, &rest, size - at) == 0;
}

enum sl_status sl_payload_read(uint64_t trial, const void *data, size_t size,
                               struct sl_payload *ret_payload, struct sl_error *err)
{
    struct wire wire;

    if (size < sizeof wire)
        return sl_fail(err, SL_EPROTO, "foreign message of %zu bytes", size);
    memcpy(&wire, data, sizeof wire);
    if (wire.magic != PAYLOAD_MAGIC)
        return sl_fail(err, SL_EPROTO, "foreign message of %zu bytes", size);
    if (wire.checksum != checksum_of(&wire))
        return sl_fail(err, SL_EPROTO, "corrupted message: its header was changed");
    if (wire.payload.trial != trial)
        return sl_fail(err, SL_EPROTO, "foreign message: it is of another trial");
    if (wire.size != size)
        return sl_fail(err, SL_EPROTO, "corrupted message: %llu bytes were sent, %zu came",
                       (unsigned long long) wire.size, size);
    if (!pattern_holds(&wire, data, size))
        return sl_fail(err, SL_EPROTO, "corrupted message: its payload was changed");
    *ret_payload = wire.payload;
    return SL_OK;
}
