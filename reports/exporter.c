/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/exporter.h"

#include <string.h>

const struct sl_exporter *sl_exporter_find(const struct sl_exporter *table, const char *name)
{
    while (table->name && strcmp(table->name, name) != 0)
        table++;
    return table->name ? table : NULL;
}
