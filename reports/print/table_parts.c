/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/table_parts.h"

#include "reports/cells.h"
#include "reports/format.h"
#include "reports/print/short_name.h"

const char *sl_table_text(const struct sl_page *page, const char *text, const char *otherwise)
{
    const char *printable = sl_format_printable(page->arena, text);
    return printable ? printable : otherwise;
}

const char *sl_table_function(const struct sl_page *page, const struct sl_group *group)
{
    char buffer[SL_SHORT_NAME_MAX];
    const char *name = group->function ? sl_short_name(group->function, buffer) : NULL;
    return sl_table_text(page, name, "(no function)");
}

const char *sl_table_cell_name(const struct sl_page *page, const struct sl_cell_result *cell)
{
    return sl_table_text(page, sl_cell_name(page->arena, cell), "?");
}
