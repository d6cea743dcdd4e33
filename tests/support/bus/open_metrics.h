/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict reader of OpenMetrics 1.0 text, as far as counters, gauges and statesets go.
 * It holds what it reads to the rules of the specification and gives the samples out.
 */
#ifndef OPEN_METRICS_H
#define OPEN_METRICS_H

#include <stddef.h>

struct open_metrics_sample {
    char name[256]; /* with its suffix and its labels, as it stands there */
    double value;
};

#define OPEN_METRICS_MAX 64

struct open_metrics {
    struct open_metrics_sample samples[OPEN_METRICS_MAX];
    size_t n_samples;
    char flaw[256]; /* "", or the line and the rule that it breaks */
};

void open_metrics_read(const char *text, struct open_metrics *ret_metrics);

/* The value of a sample; -1 when there is none. */
double open_metrics_get(const struct open_metrics *metrics, const char *name);

#endif
