/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/page.h"

#include <stdarg.h>

#define DEFAULT_WIDTH 100

size_t sl_width_of(const struct sl_page *page)
{
    return page->width ? page->width : DEFAULT_WIDTH;
}

void sl_style_print(const struct sl_page *page, enum sl_style style, const char *format, ...)
{
    static const char *const codes[] = {
        [SL_STYLE_NONE] = "",   [SL_STYLE_GOOD] = "32", [SL_STYLE_BAD] = "31",
        [SL_STYLE_WARN] = "33", [SL_STYLE_DIM] = "2",
    };
    bool color = page->color && style != SL_STYLE_NONE;
    va_list args;

    if (color)
        (void) fprintf(page->out, "\033[%sm", codes[style]);
    va_start(args, format);
    (void) vfprintf(page->out, format, args);
    va_end(args);
    if (color)
        (void) fputs("\033[0m", page->out);
}
