/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trend: does a series of samples grow?
 *
 * The slope is the median over the slopes of all pairs (Theil and Sen), which a few outliers
 * do not move; the noise is 1.4826 times the median of the absolute residuals, which is the
 * standard deviation when they are normal.  A series grows when its slope is at least
 * `floor` and the line rises by more than four times the noise from end to end.
 */
#ifndef RELIABILITY_TREND_H
#define RELIABILITY_TREND_H

#include <stdbool.h>
#include <stddef.h>

struct trend {
    double slope; /* per sample */
    double noise;
    bool grows;
};

/* @return false when memory is short */
bool trend_find(const double *samples, size_t n, double floor, struct trend *ret_trend);

#endif
