/* SPDX-License-Identifier: Apache-2.0 */
/* Text that keeps to the width of the terminal. */
#ifndef SL_REPORTS_PRINT_WRAP_H
#define SL_REPORTS_PRINT_WRAP_H

#include "reports/page.h"

/*
 * A line that is broken between words where it would be wider than the terminal, and goes on below
 * its first word, `indent` columns further in.  A longer word stays whole, and so does
 * everything where there is no terminal.  Ends with a newline.
 *
 * @param text  printable; spaces at its beginning are the indentation of all its lines
 */
void sl_wrap_print(const struct sl_page *page, enum sl_style style, size_t indent,
                   const char *text);

/* The same for text that goes on a line of which `column` columns are printed already; its further
   lines begin in column `inset`. */
void sl_wrap_after(const struct sl_page *page, enum sl_style style, size_t column, size_t inset,
                   const char *text);

/* As sl_wrap_print(), formatted. */
void sl_wrap_printf(const struct sl_page *page, enum sl_style style, size_t indent,
                    const char *format, ...) SL_PRINTF(4, 5);

#endif
