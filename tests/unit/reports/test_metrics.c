/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include <jansson.h>

#include "reports/metrics.h"
#include "result_builder.h"

/* What stands in a trial of a report at "rate.delivered". */
static const json_t *find(const json_t *trial, const char *path)
{
    char *copy = strdupa(path);

    for (char *key; trial && (key = strsep(&copy, "."));)
        trial = json_object_get(trial, key);
    return trial;
}

SL_TEST(metrics, a_number_has_the_path_that_the_report_gives_it)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    const struct sl_cell_result *cell = result_add_cell(result, "low", "keyed", "nats", NULL, 1);
    (void) result_add_group(result, result_trial(result, 0, 0), 3, SL_CAUSE_PARKED, "worker_main");
    SL_AUTO_FREE char *text = result_to_json(result);
    json_auto_t *report = json_loads(text, 0, NULL);
    const json_t *trials =
        json_object_get(json_array_get(json_object_get(report, "cells"), 0), "trials");

    for (size_t i = 0; i < SL_N_METRICS; i++) {
        const char *path = sl_metrics[i].path;
        const json_t *number = find(json_array_get(trials, 0), path);
        struct sl_summary summary;
        cr_assert(sl_metric_summarise(result->arena, cell, &sl_metrics[i], &summary));
        cr_assert(json_is_number(number), "%s", path);
        cr_assert_null(summary.number.missing, "%s", path);
        cr_assert_float_eq(summary.number.value, json_number_value(number), 1e-6, "%s", path);
    }
}

SL_TEST(metrics, the_worst_trial_stands_for_faults_and_the_median_for_costs)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    const struct sl_cell_result *cell = result_add_cell(result, "low", "keyed", "nats", NULL, 3);
    struct sl_summary lost, rate;

    for (size_t i = 0; i < 3; i++) {
        result_trial(result, 0, i)->delivery.lost = SL_VALUE(i * i);
        result_trial(result, 0, i)->rate.delivered = SL_REAL((double) (i * i));
    }
    result_trial(result, 0, 0)->delivery.lost = SL_MISSING_VALUE("no counters");
    cr_assert(sl_metric_summarise(result->arena, cell, &sl_metrics[SL_METRIC_LOST], &lost));
    cr_assert(
        sl_metric_summarise(result->arena, cell, &sl_metrics[SL_METRIC_RATE_DELIVERED], &rate));
    cr_assert_eq(lost.number.value, 4);
    cr_assert_eq(lost.n_missing, 1);
    cr_assert_str_eq(lost.reason, "no counters");
    cr_assert_eq(rate.number.value, 1);
    cr_assert_eq(rate.most, 4);
}
