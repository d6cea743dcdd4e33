/* SPDX-License-Identifier: Apache-2.0 */
#include "trend.h"

#include <math.h>
#include <stdlib.h>

#include "base/macros.h"

#define NOISES 4.0

static int compare(const void *left, const void *right)
{
    double a = *(const double *) left, b = *(const double *) right;
    return (a > b) - (a < b);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

bool trend_find(const double *samples, size_t n, double floor, struct trend *ret_trend)
{
    size_t n_pairs = 0;
    SL_AUTO_FREE double *slopes = malloc(n * (n - 1) / 2 * sizeof *slopes);
    SL_AUTO_FREE double *residuals = malloc(n * sizeof *residuals);

    if (!slopes || !residuals)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            slopes[n_pairs++] = (samples[j] - samples[i]) / (double) (j - i);
    double slope = median(slopes, n_pairs);

    for (size_t i = 0; i < n; i++)
        residuals[i] = samples[i] - slope * (double) i;
    double middle = median(residuals, n);
    for (size_t i = 0; i < n; i++)
        residuals[i] = fabs(samples[i] - slope * (double) i - middle);
    double noise = 1.4826 * median(residuals, n);
    *ret_trend = (struct trend){
        .slope = slope,
        .noise = noise,
        .grows = slope >= floor && slope * (double) (n - 1) > NOISES * noise,
    };
    return true;
}
