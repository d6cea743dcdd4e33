/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison as text and as strandline.compare/1. */
#ifndef SL_REPORTS_PRINT_COMPARE_H
#define SL_REPORTS_PRINT_COMPARE_H

#include "reports/compare.h"
#include "reports/print/style.h"

void sl_compare_print(const struct sl_comparison *comparison, const struct sl_table_opts *opts,
                      FILE *out);
/* strandline.compare/1 */
SL_CHECKED enum sl_status
sl_compare_print_json(const struct sl_comparison *comparison, FILE *out, struct sl_error *err);

#endif
