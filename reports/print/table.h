/* SPDX-License-Identifier: Apache-2.0 */
/* Reports for a terminal. */
#ifndef SL_REPORTS_PRINT_TABLE_H
#define SL_REPORTS_PRINT_TABLE_H

#include "harness/model/result.h"
#include "reports/print/style.h"

/*
 * Per scenario one row per mode: leaked, peak threads, peak memory, delivered/s,
 * end-to-end p50 and p99, order violations, lost, Close time; scenarios with claims as one
 * table of variants beside the claimed numbers.  Then leak groups with cause and stack, then
 * the verdict.  Several trials of a cell: the median, worst for counts.  A table wider than the
 * terminal is printed with rows and columns exchanged.
 */
void sl_table_print(const struct sl_run_result *result, const struct sl_table_opts *opts,
                    FILE *out);

#endif
