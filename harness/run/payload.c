/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/payload.h"

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

/* Byte at an offset behind the header; differs from message to message. */
static unsigned char pattern_at(const struct wire *wire, size_t offset)
{
    return (unsigned char) (wire->payload.index + 7 * offset);
}

void sl_payload_write(const struct sl_payload *payload, void *data, size_t size)
{
    struct wire wire = {.magic = PAYLOAD_MAGIC, .size = size, .payload = *payload};
    unsigned char *bytes = data;

    wire.checksum = checksum_of(&wire);
    memcpy(bytes, &wire, sizeof wire);
    for (size_t i = sizeof wire; i < size; i++)
        bytes[i] = pattern_at(&wire, i);
}

static bool pattern_holds(const struct wire *wire, const unsigned char *bytes, size_t size)
{
    unsigned char difference = 0; /* collected without a branch: this runs for every message */

    for (size_t i = sizeof *wire; i < size; i++)
        difference |= bytes[i] ^ pattern_at(wire, i);
    return !difference;
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
