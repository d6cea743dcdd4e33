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

/*
 * Copy of text without control characters and broken UTF-8, each byte of which
 * becomes a question mark.  Reports come from anywhere; a thread name must not be
 * able to send commands to the terminal.
 *
 * @return NULL when memory is short, and for NULL
 */
char *sl_format_printable(struct sl_arena *arena, const char *text);

/* Text as sl_format_printable makes it, to a stream without a copy; NULL: nowhere.  @return columns
 * of what is printed */
size_t sl_print_printable(const char *text, FILE *out);

#endif
