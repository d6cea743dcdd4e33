/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a trial that are shown and compared, and one number for all trials of a cell. */
#ifndef SL_REPORTS_METRICS_H
#define SL_REPORTS_METRICS_H

#include "harness/model/result.h"
#include "reports/format.h"

enum sl_unit { SL_UNIT_COUNT, SL_UNIT_NS, SL_UNIT_BYTES, SL_UNIT_PER_SECOND, SL_N_UNITS };

enum sl_tier {
    SL_TIER_LEAK,  /* compared group by group */
    SL_TIER_FAULT, /* anything but 0 is one */
    SL_TIER_COST
};

/* Where a trial has the number. */
enum sl_number_kind { SL_NUMBER_VALUE, SL_NUMBER_REAL, SL_NUMBER_LEAKED };

struct sl_metric {
    const char *path; /* in a trial of a report: "rate.delivered" */
    size_t offset;    /* of a struct sl_value or sl_real in struct sl_trial_result */
    enum sl_number_kind kind;
    enum sl_unit unit;
    enum sl_tier tier;
    bool worst; /* the worst trial stands for its cell, else the median does */
    bool lower_is_better;
};

enum sl_metric_id {
    SL_METRIC_LEAKED,
    SL_METRIC_LOST,
    SL_METRIC_DUPLICATES,
    SL_METRIC_ORDER_VIOLATIONS,
    SL_METRIC_RATE_PUBLISH,
    SL_METRIC_RATE_DELIVERED,
    SL_METRIC_PUBLISH_P50,
    SL_METRIC_PUBLISH_P99,
    SL_METRIC_END_TO_END_P50,
    SL_METRIC_END_TO_END_P99,
    SL_METRIC_THREADS_PEAK,
    SL_METRIC_CPU_USER,
    SL_METRIC_CPU_SYS,
    SL_METRIC_RSS_PEAK,
    SL_METRIC_RSS_AFTER,
    SL_METRIC_CTX_VOLUNTARY,
    SL_METRIC_CTX_INVOLUNTARY,
    SL_METRIC_FDS_AFTER,
    SL_METRIC_CLOSE_DURATION,
    SL_N_METRICS
};

extern const struct sl_metric sl_metrics[SL_N_METRICS];

/* One number for the trials of a cell. */
struct sl_summary {
    struct sl_real number; /* missing: no trial has it */
    double least, most;    /* of the trials that have it */
    size_t n_missing;      /* trials without it */
    size_t first_missing;  /* first of these, from 1 */
    const char *reason;    /* its reason */
};

/* @return false when memory is short */
bool sl_metric_summarise(struct sl_arena *arena, const struct sl_cell_result *cell,
                         const struct sl_metric *metric, struct sl_summary *ret_summary);

/* "ns", "bytes", "/s" or "" */
const char *sl_unit_text(enum sl_unit unit);

/* A number with its unit, for people; "-" when it is missing. */
void sl_metric_format(struct sl_real number, enum sl_unit unit, char ret_text[SL_FORMAT_MAX]);

#endif
