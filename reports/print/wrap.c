/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/wrap.h"

#include <stdarg.h>
#include <string.h>

#include "reports/format.h"

/* Bytes of text that fit into `room` columns, broken before a space; at least one word. */
static size_t fitting(const char *text, size_t room)
{
    size_t columns = 0, at = 0, good = 0;

    while (text[at]) {
        size_t word = strspn(text + at, " ");
        word += strcspn(text + at + word, " ");
        for (size_t i = 0; i < word; i++)
            columns += ((unsigned char) text[at + i] & 0xc0) != 0x80;
        if (columns > room && good)
            return good;
        at += word;
        good = at;
    }
    return at;
}

void sl_wrap_after(const struct sl_page *page, enum sl_style style, size_t column, size_t inset,
                   const char *text)
{
    size_t width = page->width ? page->width : SIZE_MAX;

    for (;; column = inset) {
        size_t n = fitting(text, width > column ? width - column : 1);
        sl_style_print(page, style, "%.*s", (int) n, text);
        (void) fputc('\n', page->out);
        text += n + strspn(text + n, " ");
        if (!*text)
            return;
        (void) fprintf(page->out, "%*s", (int) inset, "");
    }
}

void sl_wrap_print(const struct sl_page *page, enum sl_style style, size_t indent, const char *text)
{
    size_t margin = strspn(text, " ");

    (void) fprintf(page->out, "%*s", (int) margin, "");
    sl_wrap_after(page, style, margin, margin + indent, text + margin);
}

void sl_wrap_printf(const struct sl_page *page, enum sl_style style, size_t indent,
                    const char *format, ...)
{
    SL_AUTO_FREE char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text)
        sl_wrap_print(page, style, indent, text);
    else
        (void) fputs("no memory to print a line\n", page->out);
}
