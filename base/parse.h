/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units, as people write them on the command line and in
 * scenarios.  The whole string has to be used up; no leading space, no sign, no
 * value that overflows.  Fractions are allowed with a unit ("1.5s").
 */
#ifndef SL_BASE_PARSE_H
#define SL_BASE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

/* "200ms" "1.5s" "50us" "10ns" "2m" "1h", and "0" alone.  SL_EINVAL with a text otherwise. */
SL_CHECKED enum sl_status
sl_parse_duration(const char *text, uint64_t *ret_ns, struct sl_error *err);

/* "256B" "64KiB" "1.5MiB" "2GiB" and "0" alone; powers of 1024 only, so that KB is refused. */
SL_CHECKED enum sl_status
sl_parse_size(const char *text, uint64_t *ret_bytes, struct sl_error *err);

/* A decimal number within [low, high]. */
SL_CHECKED enum sl_status sl_parse_number(const char *text, uint64_t low, uint64_t high,
                                          uint64_t *ret_number, struct sl_error *err);

/* Shortest exact form that sl_parse_duration reads back: 1500000000 gives "1.5s". */
void sl_format_duration(uint64_t duration_ns, char *ret_text, size_t size);

#endif
