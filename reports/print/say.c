/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/say.h"

#include <stdarg.h>

#include "base/short_name.h"
#include "reports/cells.h"
#include "reports/format.h"

const char *sl_say(const struct sl_page *page, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = sl_arena_vprintf(page->arena, format, args);
    va_end(args);
    return text ? text : "";
}

const char *sl_say_text(const struct sl_page *page, const char *text, const char *otherwise)
{
    const char *printable = sl_format_printable(page->arena, text);
    return printable ? printable : otherwise;
}

const char *sl_say_function(const struct sl_page *page, const struct sl_group *group)
{
    char buffer[SL_SHORT_NAME_MAX];
    const char *name = group->function ? sl_short_name(group->function, buffer) : NULL;
    return sl_say_text(page, name, "(no function)");
}

const char *sl_say_cell(const struct sl_page *page, const struct sl_cell_result *cell)
{
    return sl_say_text(page, sl_cell_name(page->arena, cell), "?");
}
