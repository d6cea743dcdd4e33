/* SPDX-License-Identifier: Apache-2.0 */
/* Reports for a terminal. */
#ifndef SL_REPORT_TABLE_H
#define SL_REPORT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/model/result.h"

struct sl_table_opts {
    bool color;
    unsigned width; /* columns of the terminal; 0: 100 */
};

/*
 * Per scenario the modes side by side: leaked, peak threads, peak memory, delivered/s,
 * end-to-end p50 and p99, order violations, lost, Close time; scenarios with claims as one
 * table of variants beside the claimed numbers.  Then leak groups with cause and stack, then
 * the verdict.  Several trials of a cell: the median, worst for counts.
 */
void sl_table_print(const struct sl_run_result *result, const struct sl_table_opts *opts,
                    FILE *out);

#endif
