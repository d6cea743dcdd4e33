/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a trial that are shown and compared, and one number for all trials of a cell. */
#ifndef SL_REPORTS_METRICS_H
#define SL_REPORTS_METRICS_H

#include "harness/model/result.h"
#include "reports/format.h"

enum sl_unit { SL_UNIT_COUNT, SL_UNIT_NS, SL_UNIT_BYTES, SL_UNIT_PER_SECOND };

/* X(NAME, member of struct sl_trial_result, unit, lower is better).  The member is also the path
   in a report. */
#define SL_METRIC_MAP(X)                                                                           \
    X(LOST, delivery.lost, COUNT, true)                                                            \
    X(DUPLICATES, delivery.duplicates, COUNT, true)                                                \
    X(ORDER_VIOLATIONS, delivery.order_violations, COUNT, true)                                    \
    X(RATE_PUBLISH, rate.publish, PER_SECOND, false)                                               \
    X(RATE_DELIVERED, rate.delivered, PER_SECOND, false)                                           \
    X(PUBLISH_P50, latency.publish.p50, NS, true)                                                  \
    X(PUBLISH_P99, latency.publish.p99, NS, true)                                                  \
    X(END_TO_END_P50, latency.end_to_end.p50, NS, true)                                            \
    X(END_TO_END_P99, latency.end_to_end.p99, NS, true)                                            \
    X(THREADS_PEAK, threads.peak, COUNT, true)                                                     \
    X(CPU_USER, resources.cpu_user_ns, NS, true)                                                   \
    X(CPU_SYS, resources.cpu_sys_ns, NS, true)                                                     \
    X(RSS_PEAK, resources.rss_peak, BYTES, true)                                                   \
    X(RSS_AFTER, resources.rss_after, BYTES, true)                                                 \
    X(CTX_VOLUNTARY, resources.ctx_voluntary, COUNT, true)                                         \
    X(CTX_INVOLUNTARY, resources.ctx_involuntary, COUNT, true)                                     \
    X(FDS_AFTER, resources.fds_after, COUNT, true)                                                 \
    X(CLOSE_DURATION, close.duration_ns, NS, true)

enum sl_metric {
#define X(name, member, unit, lower) SL_METRIC_##name,
    SL_METRIC_MAP(X)
#undef X
        SL_N_METRICS
};

struct sl_metric_info {
    const char *path; /* in a trial: "rate.delivered" */
    enum sl_unit unit;
    bool lower_is_better;
};

extern const struct sl_metric_info sl_metrics[SL_N_METRICS];

/* One number for the trials of a cell. */
struct sl_summary {
    struct sl_real number; /* missing: no trial has it */
    double least, most;    /* of the trials that have it */
    size_t n_missing;      /* trials without it */
    size_t first_missing;  /* first of these, from 1 */
    const char *reason;    /* its reason */
};

/*
 * Over the trials that have the number: the median; of lost messages, order
 * violations and threads the worst.
 *
 * @return false when memory is short
 */
bool sl_metric_summarise(struct sl_arena *arena, const struct sl_cell_result *cell,
                         enum sl_metric metric, struct sl_summary *ret_summary);

/* Most leaked threads in a trial, in the same form. */
struct sl_summary sl_leaks_summarise(const struct sl_cell_result *cell);

/* "ns", "bytes", "/s" or "" */
const char *sl_unit_text(enum sl_unit unit);

/* A number with its unit, for people; "-" when it is missing. */
void sl_metric_format(struct sl_real number, enum sl_unit unit, char ret_text[SL_FORMAT_MAX]);

#endif
