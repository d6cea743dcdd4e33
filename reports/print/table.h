/* SPDX-License-Identifier: Apache-2.0 */
/* Reports for a terminal. */
#ifndef SL_REPORTS_PRINT_TABLE_H
#define SL_REPORTS_PRINT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/model/result.h"

struct sl_table_opts {
    bool color;
    unsigned width; /* columns of the terminal; 0: 100 */
};

/*
 * Per scenario one row per mode: leaked, peak threads, peak memory, delivered/s,
 * end-to-end p50 and p99, order violations, lost, Close time; scenarios with claims as one
 * table of variants beside the claimed numbers.  Then leak groups with cause and stack, then
 * the verdict.  Several trials of a cell: the median, worst for counts.  A table wider than the
 * terminal is printed with rows and columns exchanged.
 */
void sl_table_print(const struct sl_run_result *result, const struct sl_table_opts *opts,
                    FILE *out);

/*
 * "ok: ...", "failed: ...", "could not measure: ..." with one line per rule.  For any verdict on
 * the result, not only the one in it.  "ok" states the numbers that it rests on.
 */
void sl_table_print_verdict(const struct sl_run_result *result, const struct sl_verdict *verdict,
                            const struct sl_table_opts *opts, FILE *out);

#endif
