/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units for people, and text that is safe to print. */
#ifndef SL_REPORTS_FORMAT_H
#define SL_REPORTS_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

/* Long enough for any of the numbers below. */
#define SL_FORMAT_MAX 32

/* Three significant digits: "870 ns", "12.3 us", "1.21 ms", "38.0 s". */
void sl_format_time(uint64_t time_ns, char ret_text[SL_FORMAT_MAX]);
/* "512 B", "48.2 MiB" */
void sl_format_bytes(uint64_t bytes, char ret_text[SL_FORMAT_MAX]);
/* Per second: "870 /s", "12.1 k/s" */
void sl_format_rate(double per_second, char ret_text[SL_FORMAT_MAX]);

/* Columns of UTF-8 text on a terminal, one per character. */
size_t sl_utf8_columns(const char *text);

/* A copy as sl_utf8_clean() makes it.  @return NULL when memory is short, and for NULL */
char *sl_format_printable(struct sl_arena *arena, const char *text);

#endif
