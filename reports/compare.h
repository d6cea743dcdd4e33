/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed between two reports: leak groups new, gone and the same; metrics side by side.
 *
 * For information: two runs that were not interleaved differ by what the machine did meanwhile.
 */
#ifndef SL_REPORTS_COMPARE_H
#define SL_REPORTS_COMPARE_H

#include <strandline/error.h>

#include "reports/cells.h"
#include "reports/compare_sides.h"
#include "reports/metrics.h"

/* In the order in which they are listed. */
enum sl_change {
    SL_CHANGE_NEW,
    SL_CHANGE_GONE,
    SL_CHANGE_UNKNOWN, /* the other side could not look */
    SL_CHANGE_SAME,
    SL_N_CHANGES
};

/* `cell` in these is the cell of head, or of base when head has none like it. */
struct sl_group_change {
    enum sl_change change;
    const struct sl_cell_result *cell;
    const struct sl_finding *finding; /* of head, or of base when head has none */
    /* Most leaked in one trial of the cell; 0: somebody looked and it was not there; missing: the
       cell was not played, or no trial of it could look. */
    struct sl_value base_count, head_count;
    struct sl_share base_trials, head_trials; /* that have it, of those that could look */
};

struct sl_metric_change {
    const struct sl_cell_result *cell;
    struct sl_metric metric;
    struct sl_real base, head;
    struct sl_share base_trials, head_trials; /* that have the number, of all */
};

struct sl_comparison {
    struct sl_arena *arena; /* of its arrays */
    const struct sl_run_result *base, *head;
    const char *base_name, *head_name; /* of the files; the caller's to fill, NULL is allowed */
    struct sl_group_change *groups;
    size_t n_groups;
    struct sl_metric_change *metrics; /* of cells that both sides have */
    size_t n_metrics;
    const struct sl_cell_result **only_base, **only_head; /* cells of one side; leaks of head's
                      count as new, of base's it is not known whether they are gone */
    size_t n_only_base, n_only_head;
    struct sl_share base_looked, head_looked; /* trials whose leaks are known, of all */
    bool same_environment;
    struct sl_texts environment; /* what differs in machine and tool */
    struct sl_texts settings;    /* cells of one name that are not the same load or bus */
    struct sl_texts doubts;      /* why numbers of one side are not to be trusted */
};

/* base and head have to outlive the comparison, whose arrays live in arena. */
SL_CHECKED enum sl_status sl_compare(const struct sl_run_result *base,
                                     const struct sl_run_result *head, struct sl_arena *arena,
                                     struct sl_comparison *ret_comparison, struct sl_error *err);

const char *sl_change_text(enum sl_change change); /* "new", "gone", "same", "unknown" */

#endif
