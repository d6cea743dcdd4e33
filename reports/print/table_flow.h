/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_TABLE_FLOW_H
#define SL_REPORTS_PRINT_TABLE_FLOW_H

#include "reports/print/say.h"

/* What became of messages that are neither handled nor lost; nothing when there are none. */
void sl_table_print_flow(const struct sl_page *page, const struct sl_cell_result *cell);

/* That others had so much of the machine that times and rates may be off; else nothing. */
void sl_table_print_busy(const struct sl_page *page, const struct sl_environment *environment);

/* What stayed besides threads, and what of it could not be looked at. */
void sl_table_print_leftovers(const struct sl_page *page, const struct sl_run_result *result);

#endif
