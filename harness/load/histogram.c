/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/histogram.h"

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

/* Move the extremes, so that they enclose a range. */
static void cover(struct sl_histogram *histogram, uint64_t low_ns, uint64_t high_ns)
{
    uint64_t lowest = atomic_load_explicit(&histogram->lowest, memory_order_relaxed);
    while (low_ns < lowest &&
           !atomic_compare_exchange_weak_explicit(&histogram->lowest, &lowest, low_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    uint64_t highest = atomic_load_explicit(&histogram->highest, memory_order_relaxed);
    while (high_ns > highest &&
           !atomic_compare_exchange_weak_explicit(&histogram->highest, &highest, high_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void sl_histogram_record(struct sl_histogram *histogram, uint64_t value_ns)
{
    cover(histogram, value_ns, value_ns);
    /* Last, so that who sees the count also sees extremes that cover it. */
    atomic_fetch_add_explicit(&histogram->counts[bucket_of(value_ns)], 1, memory_order_release);
}

void sl_histogram_merge(struct sl_histogram *into, const struct sl_histogram *from)
{
    /* Of an empty one these move nothing. */
    cover(into, atomic_load(&from->lowest), atomic_load(&from->highest));
    for (size_t i = 0; i < N_BUCKETS; i++) {
        uint64_t count = atomic_load(&from->counts[i]);
        if (count)
            atomic_fetch_add(&into->counts[i], count);
    }
}

static uint64_t count_values(const struct sl_histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i < N_BUCKETS; i++)
        count += atomic_load_explicit(&histogram->counts[i], memory_order_acquire);
    return count;
}

/*
 * Several percentiles, which ascend, in one walk and between one pair of extremes, so
 * that they fit each other while values are being recorded.  Counts only grow: every
 * rank is reached.
 */
static void find_percentiles(const struct sl_histogram *histogram, uint64_t count,
                             const uint32_t *per_milles, size_t n, uint64_t *ret_values,
                             uint64_t *ret_lowest, uint64_t *ret_highest)
{
    uint64_t seen = 0;
    size_t bucket = 0;

    for (size_t i = 0; i < n; i++) {
        /* Integers, because 0.999 * 1000 may round to a rank too high. */
        uint64_t rank = SL_MAX(1, (count * per_milles[i] + 999) / 1000);
        while (seen < rank && bucket < N_BUCKETS)
            seen += atomic_load_explicit(&histogram->counts[bucket++], memory_order_acquire);
        /* Of the last bucket only the highest value is known. */
        ret_values[i] = bucket == N_BUCKETS ? UINT64_MAX : bucket_top(bucket - 1);
    }
    *ret_lowest = atomic_load_explicit(&histogram->lowest, memory_order_relaxed);
    *ret_highest = atomic_load_explicit(&histogram->highest, memory_order_relaxed);
    for (size_t i = 0; i < n; i++)
        ret_values[i] = SL_MAX(*ret_lowest, SL_MIN(*ret_highest, ret_values[i]));
}

uint64_t sl_histogram_percentile(const struct sl_histogram *histogram, uint32_t per_mille)
{
    uint64_t value, lowest, highest, count = count_values(histogram);

    if (!count)
        return 0;
    find_percentiles(histogram, count, &per_mille, 1, &value, &lowest, &highest);
    return value;
}

void sl_histogram_summarize(const struct sl_histogram *histogram,
                            struct sl_latency_summary *ret_summary)
{
    static const uint32_t per_milles[] = {500, 900, 990, 999};
    uint64_t values[SL_COUNT_OF(per_milles)], lowest, highest;
    uint64_t count = count_values(histogram);

    *ret_summary = (struct sl_latency_summary){0};
    if (!count)
        return;
    find_percentiles(histogram, count, per_milles, SL_COUNT_OF(per_milles), values, &lowest,
                     &highest);
    *ret_summary = (struct sl_latency_summary){
        .count = count,
        .min = lowest,
        .p50 = values[0],
        .p90 = values[1],
        .p99 = values[2],
        .p999 = values[3],
        .max = highest,
    };
}

void sl_histogram_pack(const struct sl_histogram *histogram, struct sl_packer *packer)
{
    size_t next = 0; /* the bucket after the last one that was packed */

    for (size_t i = 0; i < N_BUCKETS; i++) {
        uint64_t count = atomic_load(&histogram->counts[i]);
        if (!count)
            continue;
        sl_pack_number(packer, i + 1 - next);
        sl_pack_number(packer, count);
        next = i + 1;
    }
    sl_pack_number(packer, 0);
    if (next) {
        sl_pack_number(packer, atomic_load(&histogram->lowest));
        sl_pack_number(packer, atomic_load(&histogram->highest));
    }
}

size_t sl_histogram_packed_max(void)
{
    /* Two numbers for each bucket, the end of them, lowest and highest. */
    return (2 * N_BUCKETS + 3) * SL_PACKED_NUMBER_MAX;
}

/* Walk over a packed histogram and add what it holds, or, with NULL, only look whether it fits. */
static bool walk_packed(struct sl_unpacker *unpacker, struct sl_histogram *into)
{
    size_t next = 0, first = N_BUCKETS;

    for (size_t step; (step = (size_t) sl_unpack_number(unpacker, 0, N_BUCKETS - next)) != 0;) {
        uint64_t count = sl_unpack_number(unpacker, 1, UINT32_MAX);
        next += step;
        first = SL_MIN(first, next - 1);
        if (into)
            atomic_fetch_add(&into->counts[next - 1], count);
    }
    if (!next)
        return !unpacker->failed;
    uint64_t lowest = sl_unpack_number(unpacker, 0, UINT64_MAX);
    uint64_t highest = sl_unpack_number(unpacker, lowest, UINT64_MAX);
    if (unpacker->failed || bucket_of(lowest) != first || bucket_of(highest) != next - 1)
        return false;
    if (into)
        cover(into, lowest, highest);
    return true;
}

bool sl_histogram_unpack(struct sl_histogram *into, struct sl_unpacker *unpacker)
{
    struct sl_unpacker ahead = *unpacker;

    if (!walk_packed(&ahead, NULL)) {
        unpacker->failed = true;
        return false;
    }
    return walk_packed(unpacker, into);
}
