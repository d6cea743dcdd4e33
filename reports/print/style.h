/* SPDX-License-Identifier: Apache-2.0 */
/* What the terminal allows: its width, and colours. */
#ifndef SL_REPORTS_PRINT_STYLE_H
#define SL_REPORTS_PRINT_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/macros.h"

struct sl_table_opts {
    bool color;
    unsigned width; /* columns of the terminal; 0: 100 */
};

enum sl_style { SL_STYLE_NONE, SL_STYLE_GOOD, SL_STYLE_BAD, SL_STYLE_WARN, SL_STYLE_DIM };

/* Columns that opts leave for a line. */
size_t sl_width_of(const struct sl_table_opts *opts);

/* One text in a style, which is switched off again behind it. */
void sl_style_print(enum sl_style style, const struct sl_table_opts *opts, FILE *out,
                    const char *format, ...) SL_PRINTF(4, 5);

#endif
