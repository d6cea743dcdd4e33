/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A grid of texts with aligned columns, on a terminal of limited width.
 *
 * Row 0 and column 0 are headings.  A text may have several lines.  A grid that is
 * wider than the terminal is printed with rows and columns exchanged, and row by row, one text a
 * line, where that is too wide as well.
 */
#ifndef SL_REPORTS_PRINT_GRID_H
#define SL_REPORTS_PRINT_GRID_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "reports/page.h"

struct sl_grid_cell {
    const char *text; /* printable; NULL: empty */
    enum sl_style style;
};

struct sl_grid {
    size_t n_rows, n_columns;
    struct sl_grid_cell *cells; /* row by row */
    bool *left;                 /* per column: aligned to the left; column 0 always is */
    size_t *widths;             /* of the columns, or rows, that are printed as such */
};

/* In arena.  @return false when memory is short */
bool sl_grid_init(struct sl_grid *grid, struct sl_arena *arena, size_t n_rows, size_t n_columns);

void sl_grid_set(struct sl_grid *grid, size_t row, size_t column, const char *text,
                 enum sl_style style);

void sl_grid_print(const struct sl_grid *grid, const struct sl_page *page);

#endif
