/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/exporter.h"

#include <string.h>

#include "base/fail.h"

const struct sl_exporter *sl_exporter_find(const struct sl_exporter *table, const char *name)
{
    while (table->name && strcmp(table->name, name) != 0)
        table++;
    return table->name ? table : NULL;
}

enum sl_status sl_export(const struct sl_exporter *table, const char *name, const void *document,
                         const struct sl_page *page, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_page with_arena = {page->out, page->color, page->width, arena};

    if (!arena)
        return sl_fail(err, SL_ENOMEM, "out of memory for texts");
    return sl_exporter_find(table, name)->write(document, &with_arena, err);
}
