/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the table under the numbers of a scenario: what they do not say by themselves. */
#include <inttypes.h>

#include "reports/table_parts.h"

/* Those that were refused, and those that the broker may have or not: none of them is lost. */
void sl_table_print_flow(const struct sl_table *table, const struct sl_cell_result *cell)
{
    const char *name = sl_table_cell_name(table, cell);
    uint64_t n_tried = 0, n_accepted = 0, n_refused = 0, n_unknown = 0;

    for (size_t i = 0; i < cell->n_trials; i++) {
        const struct sl_delivery *delivery = &cell->trials[i].delivery;
        struct sl_value tried = sl_delivery_tried(delivery);
        if (tried.missing)
            continue;
        n_tried += tried.value;
        n_accepted += delivery->published.value;
        n_refused += delivery->rejected.value;
        n_unknown += delivery->unknown.value;
    }
    if (n_refused > 0)
        sl_style_print(SL_STYLE_WARN, table->opts, table->out,
                       "  %s: accepted %" PRIu64 " of %" PRIu64 " messages, %" PRIu64
                       " were refused; lost counts none of these\n",
                       name, n_accepted, n_tried, n_refused);
    if (n_unknown > 0)
        sl_style_print(SL_STYLE_WARN, table->opts, table->out,
                       "  %s: %" PRIu64 " of %" PRIu64
                       " publishes had no answer and were not handled; lost counts none of them\n",
                       name, n_unknown, n_tried);
}
