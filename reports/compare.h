/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two reports: leak groups new, gone and the same; metrics side by side. */
#ifndef SL_REPORT_COMPARE_H
#define SL_REPORT_COMPARE_H

#include <stdio.h>

#include <strandline/error.h>

#include "harness/model/result.h"
#include "reports/table.h"

enum sl_change { SL_CHANGE_NEW, SL_CHANGE_GONE, SL_CHANGE_SAME };

struct sl_group_change {
    enum sl_change change;
    const struct sl_cell_key *cell;
    const struct sl_leak_group *group; /* of head, or of base when gone */
    uint32_t base_count, head_count;   /* most leaked in one trial of the cell; 0: absent */
};

struct sl_metric_change {
    const struct sl_cell_key *cell;
    const char *metric;        /* path in a trial: "rate.delivered" */
    const char *unit;          /* "ns", "bytes", "/s" or "" */
    struct sl_real base, head; /* median over trials */
    bool lower_is_better;
};

struct sl_comparison {
    const struct sl_group_change *groups; /* new first, then gone, then same */
    size_t n_groups;
    const struct sl_metric_change *metrics;
    size_t n_metrics;
    const struct sl_cell_key *const *only_base,
        *const *only_head; /* cells of one side, shown, never dropped */
    size_t n_only_base, n_only_head;
    bool same_environment;
};

/* base and head have to outlive the comparison, whose arrays live in arena. */
SL_CHECKED enum sl_status sl_compare(const struct sl_run_result *base,
                                     const struct sl_run_result *head, struct sl_arena *arena,
                                     struct sl_comparison *ret_comparison, struct sl_error *err);

void sl_compare_print(const struct sl_comparison *comparison, const struct sl_table_opts *opts,
                      FILE *out);
SL_CHECKED enum sl_status
sl_compare_print_json(const struct sl_comparison *comparison, FILE *out, struct sl_error *err);

#endif
