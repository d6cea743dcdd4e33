/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEDIAN, WORST }; /* of the trials of a cell */
enum { HIGHER, LOWER }; /* is better */

/* clang-format off */
#define ROW(id, member, unit_, tier_, trials, better)                                              \
    [SL_METRIC_##id] = {                                                                           \
        .path = #member,                                                                           \
        .offset = offsetof(struct sl_trial_result, member),                                        \
        .kind = _Generic(((struct sl_trial_result *) 0)->member,                                   \
                         struct sl_real: SL_NUMBER_REAL, struct sl_value: SL_NUMBER_VALUE),        \
        .unit = SL_UNIT_##unit_,                                                                   \
        .tier = SL_TIER_##tier_,                                                                   \
        .worst = (trials) == WORST,                                                                \
        .lower_is_better = (better) == LOWER,                                                      \
    }

const struct sl_metric sl_metrics[SL_N_METRICS] = {
    [SL_METRIC_LEAKED] = {.path = "leaks.count", .kind = SL_NUMBER_LEAKED, .tier = SL_TIER_LEAK,
                          .worst = true, .lower_is_better = true},
    ROW(LOST,             delivery.lost,             COUNT,      FAULT, WORST,  LOWER),
    ROW(DUPLICATES,       delivery.duplicates,       COUNT,      FAULT, WORST,  LOWER),
    ROW(ORDER_VIOLATIONS, delivery.order_violations, COUNT,      FAULT, WORST,  LOWER),
    ROW(RATE_PUBLISH,     rate.publish,              PER_SECOND, COST,  MEDIAN, HIGHER),
    ROW(RATE_DELIVERED,   rate.delivered,            PER_SECOND, COST,  MEDIAN, HIGHER),
    ROW(PUBLISH_P50,      latency.publish.p50,       NS,         COST,  MEDIAN, LOWER),
    ROW(PUBLISH_P99,      latency.publish.p99,       NS,         COST,  MEDIAN, LOWER),
    ROW(END_TO_END_P50,   latency.end_to_end.p50,    NS,         COST,  MEDIAN, LOWER),
    ROW(END_TO_END_P99,   latency.end_to_end.p99,    NS,         COST,  MEDIAN, LOWER),
    ROW(THREADS_PEAK,     threads.peak,              COUNT,      COST,  WORST,  LOWER),
    ROW(CPU_USER,         resources.cpu_user_ns,     NS,         COST,  MEDIAN, LOWER),
    ROW(CPU_SYS,          resources.cpu_sys_ns,      NS,         COST,  MEDIAN, LOWER),
    ROW(RSS_PEAK,         resources.rss_peak,        BYTES,      COST,  MEDIAN, LOWER),
    ROW(RSS_AFTER,        resources.rss_after,       BYTES,      COST,  MEDIAN, LOWER),
    ROW(CTX_VOLUNTARY,    resources.ctx_voluntary,   COUNT,      COST,  MEDIAN, LOWER),
    ROW(CTX_INVOLUNTARY,  resources.ctx_involuntary, COUNT,      COST,  MEDIAN, LOWER),
    ROW(FDS_AFTER,        resources.fds_after,       COUNT,      COST,  MEDIAN, LOWER),
    ROW(CLOSE_DURATION,   close.duration_ns,         NS,         COST,  MEDIAN, LOWER),
};
/* clang-format on */

static struct sl_real number_of(const struct sl_trial_result *trial, const struct sl_metric *metric)
{
    const void *number = (const char *) trial + metric->offset;
    const struct sl_value *value = number;

    switch (metric->kind) {
    case SL_NUMBER_LEAKED:
        return (struct sl_real){trial->leaks.count, trial->leaks_missing};
    case SL_NUMBER_REAL:
        return *(const struct sl_real *) number;
    default:
        return (struct sl_real){(double) value->value, value->missing};
    }
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *) left, b = *(const double *) right;
    return (a > b) - (a < b);
}

/* They are sorted. */
static double middle(const double *numbers, size_t n)
{
    return n % 2 ? numbers[n / 2] : (numbers[n / 2 - 1] + numbers[n / 2]) / 2;
}

bool sl_metric_summarise(struct sl_arena *arena, const struct sl_cell_result *cell,
                         const struct sl_metric *metric, struct sl_summary *ret_summary)
{
    struct sl_summary summary = {0};
    double *numbers = sl_arena_array(arena, cell->n_trials, sizeof *numbers);
    size_t n = 0;

    if (!numbers)
        return false;
    for (size_t i = 0; i < cell->n_trials; i++) {
        struct sl_real number = number_of(&cell->trials[i], metric);
        if (!number.missing) {
            numbers[n++] = number.value;
        } else if (!summary.n_missing++) {
            summary.first_missing = i + 1;
            summary.reason = number.missing;
        }
    }
    qsort(numbers, n, sizeof *numbers, compare_doubles);
    if (n) {
        summary.least = numbers[0];
        summary.most = numbers[n - 1];
        summary.number = SL_REAL(metric->worst ? summary.most : middle(numbers, n));
    } else
        summary.number = SL_MISSING_REAL(summary.reason ? summary.reason : "no trial ran");
    *ret_summary = summary;
    return true;
}

const char *sl_unit_text(enum sl_unit unit)
{
    static const char *const texts[] = {
        [SL_UNIT_COUNT] = "",
        [SL_UNIT_NS] = "ns",
        [SL_UNIT_BYTES] = "bytes",
        [SL_UNIT_PER_SECOND] = "/s",
    };
    return texts[unit];
}

void sl_metric_format(struct sl_real number, enum sl_unit unit, char ret_text[SL_FORMAT_MAX])
{
    if (number.missing)
        strcpy(ret_text, "-");
    else if (unit == SL_UNIT_NS)
        sl_format_time((uint64_t) number.value, ret_text);
    else if (unit == SL_UNIT_BYTES)
        sl_format_bytes((uint64_t) number.value, ret_text);
    else if (unit == SL_UNIT_PER_SECOND)
        sl_format_rate(number.value, ret_text);
    else
        (void) snprintf(ret_text, SL_FORMAT_MAX, "%.0f", number.value);
}
