/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_TABLE_LEAKS_H
#define SL_REPORTS_PRINT_TABLE_LEAKS_H

#include "reports/print/say.h"

/* Leaked threads with cause and stack, hung subjects, and threads that are shown but not counted.
 */
void sl_table_print_leaks(const struct sl_page *page, const struct sl_run_result *result);

#endif
