/* SPDX-License-Identifier: Apache-2.0 */
/* Reports for a terminal. */
#ifndef SL_REPORTS_PRINT_TABLE_H
#define SL_REPORTS_PRINT_TABLE_H

#include "harness/model/result.h"
#include "reports/exporter.h"

/*
 * Of a struct sl_run_result: "text" and "json", which is the report.
 *
 * The text is, per scenario, one row per mode: leaked, peak threads, peak memory, delivered/s,
 * end-to-end p50 and p99, order violations, lost, Close time; scenarios with claims as one
 * table of variants beside the claimed numbers.  Then leak groups with cause and stack, then
 * the verdict.  Several trials of a cell: the median, worst for counts.  A table wider than the
 * terminal is printed with rows and columns exchanged.
 */
extern const struct sl_exporter sl_report_exporters[];

#endif
