/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_TABLE_VERDICT_H
#define SL_REPORTS_PRINT_TABLE_VERDICT_H

#include "reports/print/say.h"

/*
 * "ok: ...", "failed: ...", "could not measure: ..." with one line per rule.  For any verdict on
 * the result, not only the one in it.  "ok" states the numbers that it rests on.
 */
void sl_table_print_verdict(const struct sl_page *page, const struct sl_run_result *result,
                            const struct sl_verdict *verdict);

/* A line for each rule: whether it was of use, and what is wrong with it; none for a witness or a
   resident that fits nothing. */
void sl_table_print_rules(const struct sl_page *page, const struct sl_run_result *result);

#endif
