/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strandline.report/1 as a layout, and what other documents hold, too.
 *
 * A new key is one line here, one in report.schema.json and one in
 * docs/report-format.md.
 */
#ifndef SL_REPORTS_REPORT_LAYOUT_H
#define SL_REPORTS_REPORT_LAYOUT_H

#include "json/layout.h"

extern const struct sl_layout report_layout; /* struct sl_run_result */

extern const struct sl_object report_layout_stats;     /* struct sl_snapshot_stats */
extern const struct sl_object report_layout_cell_name; /* struct sl_cell_result */
extern const struct sl_object report_layout_share;     /* struct sl_share; null of none */

#endif
