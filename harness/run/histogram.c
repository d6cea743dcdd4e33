/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/histogram.h"

#include <stdatomic.h>
#include <stddef.h>

/*
 * Values below 2 * PER_OCTAVE have a bucket each.  Above, a value is shifted
 * right until it lies in [PER_OCTAVE, 2 * PER_OCTAVE); each shift begins a new
 * run of PER_OCTAVE buckets.
 */
#define OCTAVE_BITS 10
#define PER_OCTAVE  (UINT64_C(1) << OCTAVE_BITS)
#define LIMIT_BITS  42
#define N_BUCKETS   ((LIMIT_BITS - OCTAVE_BITS + 1) * PER_OCTAVE)

struct sl_histogram {
    _Atomic uint64_t lowest, highest; /* lowest is UINT64_MAX as long as there is none */
    _Atomic uint64_t counts[N_BUCKETS];
};

static size_t bucket_of(uint64_t value)
{
    unsigned shift = 0;

    value = SL_MIN(value, SL_HISTOGRAM_LIMIT_NS);
    if (value >= 2 * PER_OCTAVE)
        shift = 63 - OCTAVE_BITS - (unsigned) __builtin_clzll(value);
    return (size_t) (shift * PER_OCTAVE + (value >> shift));
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_top(size_t bucket)
{
    if (bucket < 2 * PER_OCTAVE)
        return bucket;
    uint64_t shift = bucket / PER_OCTAVE - 1;
    return ((bucket - shift * PER_OCTAVE + 1) << shift) - 1;
}

struct sl_histogram *sl_histogram_new(void)
{
    struct sl_histogram *histogram = calloc(1, sizeof *histogram);
    if (histogram)
        atomic_init(&histogram->lowest, UINT64_MAX);
    return histogram;
}

void sl_histogram_free(struct sl_histogram *histogram)
{
    free(histogram);
}

void sl_histogram_record(struct sl_histogram *histogram, uint64_t value_ns)
{
    uint64_t lowest = atomic_load_explicit(&histogram->lowest, memory_order_relaxed);
    while (value_ns < lowest &&
           !atomic_compare_exchange_weak_explicit(&histogram->lowest, &lowest, value_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    uint64_t highest = atomic_load_explicit(&histogram->highest, memory_order_relaxed);
    while (value_ns > highest &&
           !atomic_compare_exchange_weak_explicit(&histogram->highest, &highest, value_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    /* Last, so that who sees the count also sees extremes that cover it. */
    atomic_fetch_add_explicit(&histogram->counts[bucket_of(value_ns)], 1, memory_order_release);
}

static uint64_t count_values(const struct sl_histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i < N_BUCKETS; i++)
        count += atomic_load_explicit(&histogram->counts[i], memory_order_acquire);
    return count;
}

uint64_t sl_histogram_percentile(const struct sl_histogram *histogram, uint32_t per_mille)
{
    uint64_t count = count_values(histogram);
    if (!count)
        return 0;
    /* Integers, because 0.999 * 1000 may round to a rank too high. */
    uint64_t rank = SL_MAX(1, (count * per_mille + 999) / 1000);
    uint64_t lowest = atomic_load(&histogram->lowest), highest = atomic_load(&histogram->highest);
    uint64_t seen = 0;

    for (size_t i = 0; i < N_BUCKETS - 1; i++) {
        seen += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        if (seen >= rank)
            return SL_MAX(lowest, SL_MIN(highest, bucket_top(i)));
    }
    return highest; /* of the last bucket no more is known */
}

void sl_histogram_summarize(const struct sl_histogram *histogram,
                            struct sl_latency_summary *ret_summary)
{
    uint64_t count = count_values(histogram);

    *ret_summary = (struct sl_latency_summary){
        .count = count,
        .min = count ? atomic_load(&histogram->lowest) : 0,
        .p50 = sl_histogram_percentile(histogram, 500),
        .p90 = sl_histogram_percentile(histogram, 900),
        .p99 = sl_histogram_percentile(histogram, 990),
        .p999 = sl_histogram_percentile(histogram, 999),
        .max = count ? atomic_load(&histogram->highest) : 0,
    };
}
