/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as RFC 3339 text: nanoseconds since 1970 UTC, leap seconds not counted. */
#ifndef BUS_ENVELOPE_TIMESTAMP_H
#define BUS_ENVELOPE_TIMESTAMP_H

#include <stdint.h>

#define TIMESTAMP_SIZE 31 /* with its NUL: 2025-10-13T08:15:30.123456789Z */

/* Write as many digits of the fraction as there are, in UTC. */
void timestamp_format(uint64_t timestamp_ns, char *ret_text);

/*
 * Read a date and time with an offset.  Digits of the fraction behind the ninth are
 * dropped; a leap second is the second behind it.
 *
 * @return NULL, or what is wrong with it
 */
const char *timestamp_parse(const char *text, uint64_t *ret_timestamp_ns);

#endif
