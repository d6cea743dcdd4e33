/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_COMPARE_H
#define SL_REPORTS_PRINT_COMPARE_H

#include "reports/compare.h"
#include "reports/exporter.h"

/* Of a struct sl_comparison: "text", and "json", which is strandline.compare/1. */
extern const struct sl_exporter sl_compare_exporters[];

#endif
