/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "reports/cells.h"

static int compare_groups(const void *left, const void *right)
{
    const struct sl_group *a = *(const struct sl_group *const *) left;
    const struct sl_group *b = *(const struct sl_group *const *) right;
    int order = strcmp(a->fingerprint, b->fingerprint);

    return order ? order : (a->count < b->count) - (a->count > b->count);
}

bool sl_known_init(struct sl_arena *arena, const struct sl_run_result *report,
                   struct sl_known *ret_known)
{
    const struct sl_group **groups =
        sl_arena_array(arena, sl_cells_count_groups(report), sizeof *groups);
    size_t n = 0;

    if (!groups)
        return false;
    for (size_t i = 0; i < report->n_cells; i++) {
        for (size_t j = 0; j < report->cells[i].n_trials; j++) {
            const struct sl_trial_result *trial = &report->cells[i].trials[j];
            for (size_t k = 0; !trial->leaks_missing && k < trial->leaks.n_findings; k++)
                if (trial->leaks.findings[k].counted)
                    groups[n++] = &trial->leaks.findings[k].group;
        }
    }
    qsort(groups, n, sizeof *groups, compare_groups);
    *ret_known = (struct sl_known){.groups = groups, .n = n};
    return true;
}

uint32_t sl_known_count(const struct sl_known *known, const char *fingerprint)
{
    size_t at =
        SL_PARTITION_POINT(known->n, i, strcmp(known->groups[i]->fingerprint, fingerprint) < 0);
    return at < known->n && strcmp(known->groups[at]->fingerprint, fingerprint) == 0
               ? known->groups[at]->count
               : 0;
}
