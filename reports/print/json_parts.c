/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/json_parts.h"

#include "reports/format.h"

json_t *sl_json_text(struct sl_arena *arena, const char *text)
{
    const char *printable = sl_format_printable(arena, text);
    return text ? json_string(printable ? printable : "") : json_null();
}

json_t *sl_json_cell(struct sl_arena *arena, const struct sl_cell_result *cell)
{
    return json_pack("{so so so so so}", "scenario", sl_json_text(arena, cell->key.scenario),
                     "mode", sl_json_text(arena, cell->key.mode), "transport",
                     sl_json_text(arena, cell->key.transport), "fault",
                     sl_json_text(arena, cell->key.fault), "label",
                     sl_json_text(arena, cell->claim.label));
}

json_t *sl_json_count(struct sl_value count)
{
    return count.missing ? json_null() : json_integer((json_int_t) count.value);
}

json_t *sl_json_share(size_t n, size_t of)
{
    return of ? json_pack("{sI sI}", "n", (json_int_t) n, "of", (json_int_t) of) : json_null();
}
