/* SPDX-License-Identifier: Apache-2.0 */
/* What table.c and table_leaks.c share: the state of one print. */
#ifndef SL_REPORTS_PRINT_TABLE_PARTS_H
#define SL_REPORTS_PRINT_TABLE_PARTS_H

#include <stdio.h>

#include "harness/model/result.h"
#include "reports/print/grid.h"
#include "reports/print/table.h"

struct sl_table {
    const struct sl_run_result *result;
    const struct sl_table_opts *opts;
    FILE *out;
    struct sl_arena *arena; /* texts of this print */
};

/* Printable copy; otherwise when text is NULL or memory is short. */
const char *sl_table_text(const struct sl_table *table, const char *text, const char *otherwise);

/* Printable name of what a group stands in, as wide as sl_short_name() makes it. */
const char *sl_table_function(const struct sl_table *table, const struct sl_leak_group *group);

/* Printable name of a cell. */
const char *sl_table_cell_name(const struct sl_table *table, const struct sl_cell_result *cell);

/* What became of messages that are neither handled nor lost; nothing when there are none. */
void sl_table_print_flow(const struct sl_table *table, const struct sl_cell_result *cell);

/* That others had so much of the machine that times and rates may be off; else nothing. */
void sl_table_print_busy(const struct sl_table *table);

/* What stayed besides threads, and what of it could not be looked at. */
void sl_table_print_leftovers(const struct sl_table *table);

/* Leaked threads with cause and stack, hung subjects, and threads that are shown but not counted.
 */
void sl_table_print_leaks(const struct sl_table *table);

#endif
