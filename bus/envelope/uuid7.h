/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of UUIDs of version 7, apart from where their bits come from. */
#ifndef BUS_ENVELOPE_UUID7_H
#define BUS_ENVELOPE_UUID7_H

#include <strandline/envelope.h>

/*
 * @param ticks   48 bits of milliseconds since 1970 and 12 of their fraction
 * @param random  62 bits are used
 */
void uuid7_pack(uint64_t ticks, uint64_t random, struct bus_uuid *ret_uuid);

/* Whether version and variant are those of version 7. */
bool uuid7_is(const struct bus_uuid *uuid);

#endif
