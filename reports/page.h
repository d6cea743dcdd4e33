/* SPDX-License-Identifier: Apache-2.0 */
/* Where text goes, and what is allowed there. */
#ifndef SL_REPORTS_PAGE_H
#define SL_REPORTS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"

struct sl_page {
    FILE *out;
    bool color;
    unsigned width;         /* columns of the terminal; 0: it is none */
    struct sl_arena *arena; /* of the texts in a document; sl_export() gives it */
};

enum sl_style { SL_STYLE_NONE, SL_STYLE_GOOD, SL_STYLE_BAD, SL_STYLE_WARN, SL_STYLE_DIM };

/* Columns of a line; 100 where there is no terminal. */
size_t sl_width_of(const struct sl_page *page);

/* One text in a style, which is switched off again behind it. */
void sl_style_print(const struct sl_page *page, enum sl_style style, const char *format, ...)
    SL_PRINTF(3, 4);

#endif
