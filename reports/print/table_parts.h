/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a table share: the state of one print, and the texts in it. */
#ifndef SL_REPORTS_PRINT_TABLE_PARTS_H
#define SL_REPORTS_PRINT_TABLE_PARTS_H

#include "harness/model/result.h"
#include "reports/print/style.h"

struct sl_table {
    const struct sl_run_result *result;
    const struct sl_table_opts *opts;
    FILE *out;
    struct sl_arena *arena; /* texts of this print */
};

/* Printable copy; otherwise when text is NULL or memory is short. */
const char *sl_table_text(const struct sl_table *table, const char *text, const char *otherwise);

/* Printable name of what a group stands in, as wide as sl_short_name() makes it. */
const char *sl_table_function(const struct sl_table *table, const struct sl_group *group);

/* Printable name of a cell. */
const char *sl_table_cell_name(const struct sl_table *table, const struct sl_cell_result *cell);

#endif
