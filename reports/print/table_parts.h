/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of a document, printable and in the arena of the page. */
#ifndef SL_REPORTS_PRINT_TABLE_PARTS_H
#define SL_REPORTS_PRINT_TABLE_PARTS_H

#include "harness/model/result.h"
#include "reports/page.h"

/* Printable copy; otherwise when text is NULL or memory is short. */
const char *sl_table_text(const struct sl_page *page, const char *text, const char *otherwise);

/* Printable name of what a group stands in, as wide as sl_short_name() makes it. */
const char *sl_table_function(const struct sl_page *page, const struct sl_group *group);

/* Printable name of a cell. */
const char *sl_table_cell_name(const struct sl_page *page, const struct sl_cell_result *cell);

#endif
