/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in the arena of a page. */
#ifndef SL_REPORTS_PRINT_SAY_H
#define SL_REPORTS_PRINT_SAY_H

#include "harness/model/result.h"
#include "reports/page.h"

/* As printf() has it; "" when memory is short. */
const char *sl_say(const struct sl_page *page, const char *format, ...) SL_PRINTF(2, 3);

/* Printable copy; otherwise when text is NULL or memory is short. */
const char *sl_say_text(const struct sl_page *page, const char *text, const char *otherwise);

/* Printable name of what a group stands in, as wide as sl_short_name() makes it. */
const char *sl_say_function(const struct sl_page *page, const struct sl_group *group);

/* Printable name of a cell. */
const char *sl_say_cell(const struct sl_page *page, const struct sl_cell_result *cell);

#endif
