/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the JSON that gate and compare print. */
#ifndef SL_REPORTS_PRINT_JSON_PARTS_H
#define SL_REPORTS_PRINT_JSON_PARTS_H

#include <jansson.h>

#include "harness/model/result.h"

/* All return a new value, NULL when memory is short, which json_pack() passes on. */

/* Printable text; null for NULL. */
json_t *sl_json_text(struct sl_arena *arena, const char *text);

/* Scenario, mode, transport, fault and label of a cell. */
json_t *sl_json_cell(struct sl_arena *arena, const struct sl_cell_result *cell);

/* A number, or null. */
json_t *sl_json_count(struct sl_value count);

/* {"n": 2, "of": 3}; null of none. */
json_t *sl_json_share(size_t n, size_t of);

#endif
