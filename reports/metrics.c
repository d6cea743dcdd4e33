/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct sl_metric_info sl_metrics[SL_N_METRICS] = {
#define X(name, member, unit_, lower) {#member, SL_UNIT_##unit_, lower},
    SL_METRIC_MAP(X)
#undef X
};

static struct sl_real of_value(const void *value)
{
    const struct sl_value *number = value;
    return (struct sl_real){.value = (double) number->value, .missing = number->missing};
}

static struct sl_real of_real(const void *real)
{
    return *(const struct sl_real *) real;
}

static struct sl_real of_trial(const struct sl_trial_result *trial, enum sl_metric metric)
{
    switch (metric) {
#define X(name, member, unit_, lower)                                                              \
    case SL_METRIC_##name:                                                                         \
        return _Generic(trial->member, struct sl_real                                              \
                        : of_real, struct sl_value                                                 \
                        : of_value)(&trial->member);
        SL_METRIC_MAP(X)
#undef X
    default:
        return SL_MISSING_REAL("no such number");
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

static void note_missing(struct sl_summary *summary, size_t trial, const char *reason)
{
    if (!summary->n_missing++) {
        summary->first_missing = trial + 1;
        summary->reason = reason;
    }
}

bool sl_metric_summarise(struct sl_arena *arena, const struct sl_cell_result *cell,
                         enum sl_metric metric, struct sl_summary *ret_summary)
{
    struct sl_summary summary = {0};
    double *numbers = sl_arena_array(arena, cell->n_trials, sizeof *numbers);
    size_t n = 0;

    if (!numbers)
        return false;
    for (size_t i = 0; i < cell->n_trials; i++) {
        struct sl_real number = of_trial(&cell->trials[i], metric);
        if (number.missing)
            note_missing(&summary, i, number.missing);
        else
            numbers[n++] = number.value;
    }
    bool worst = metric == SL_METRIC_LOST || metric == SL_METRIC_DUPLICATES ||
                 metric == SL_METRIC_ORDER_VIOLATIONS || metric == SL_METRIC_THREADS_PEAK;
    qsort(numbers, n, sizeof *numbers, compare_doubles);
    if (n) {
        summary.least = numbers[0];
        summary.most = numbers[n - 1];
        summary.number = SL_REAL(worst ? summary.most : middle(numbers, n));
    } else
        summary.number = SL_MISSING_REAL(summary.reason ? summary.reason : "no trial ran");
    *ret_summary = summary;
    return true;
}

struct sl_summary sl_leaks_summarise(const struct sl_cell_result *cell)
{
    struct sl_summary summary = {.number = SL_MISSING_REAL("no trial ran")};

    for (size_t i = 0; i < cell->n_trials; i++) {
        const struct sl_trial_result *trial = &cell->trials[i];
        if (trial->leaks_missing)
            note_missing(&summary, i, trial->leaks_missing);
        else if (summary.number.missing || summary.number.value < trial->leaks.count)
            summary.number = SL_REAL(trial->leaks.count);
    }
    if (summary.number.missing && summary.reason)
        summary.number.missing = summary.reason;
    return summary;
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
