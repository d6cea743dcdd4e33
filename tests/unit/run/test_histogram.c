/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/load/histogram.h"

#define N_VALUES 20000

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int compare_values(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;
    return (left > right) - (left < right);
}

/* The shapes that values take; each has its own way to go wrong. */
static uint64_t draw(int shape, uint64_t *state)
{
    uint64_t r = next_random(state);
    switch (shape) {
    case 0: /* exact region */
        return r % 2048;
    case 1: /* every magnitude alike */
        return (r >> 22) >> (r % 42);
    case 2: /* two far clusters */
        return r % 10 ? 50000 + r % 1000 : SL_NS_PER_S * 3 + r % SL_NS_PER_S;
    case 3: /* around powers of two */
        return (UINT64_C(1) << (r % 42)) - 1 + r % 3;
    default:
        return 123456789;
    }
}

SL_TEST(histogram, percentiles_are_within_a_thousandth_of_a_sorted_array)
{
    static const uint32_t per_milles[] = {1, 10, 250, 500, 750, 900, 990, 999, 1000};
    SL_AUTO_FREE uint64_t *values = calloc(N_VALUES, sizeof *values);
    uint64_t state = 88172645463325252;

    for (int shape = 0; shape < 5; shape++) {
        for (size_t n = 1; n <= N_VALUES; n = n * 3 + 1) {
            SL_AUTO(sl_histogram) struct sl_histogram *histogram = sl_histogram_new();
            for (size_t i = 0; i < n; i++) {
                values[i] = SL_MIN(draw(shape, &state), SL_HISTOGRAM_LIMIT_NS);
                sl_histogram_record(histogram, values[i]);
            }
            qsort(values, n, sizeof *values, compare_values);
            for (size_t p = 0; p < SL_COUNT_OF(per_milles); p++) {
                size_t rank = SL_MAX(1, (n * per_milles[p] + 999) / 1000);
                uint64_t exact = values[rank - 1];
                uint64_t got = sl_histogram_percentile(histogram, per_milles[p]);
                cr_assert(got >= exact && got - exact <= exact / 1024,
                          "shape %d n %zu per mille %u: %lu for %lu", shape, n, per_milles[p],
                          (unsigned long) got, (unsigned long) exact);
            }
        }
    }
}

SL_TEST(histogram, a_summary_has_exact_extremes_and_count)
{
    SL_AUTO(sl_histogram) struct sl_histogram *histogram = sl_histogram_new();
    struct sl_latency_summary summary;

    for (uint64_t value = 1000003; value <= 1000003 * 100; value += 1000003)
        sl_histogram_record(histogram, value);
    sl_histogram_summarize(histogram, &summary);
    cr_assert_eq(summary.count, 100);
    cr_assert_eq(summary.min, 1000003);
    cr_assert_eq(summary.max, 100000300);
    cr_assert_eq(summary.p999, 100000300, "no percentile is above the highest value");
}

SL_TEST(histogram, nothing_recorded_gives_zeros)
{
    SL_AUTO(sl_histogram) struct sl_histogram *histogram = sl_histogram_new();
    struct sl_latency_summary summary, zero = {0};

    sl_histogram_summarize(histogram, &summary);
    cr_assert_eq(memcmp(&summary, &zero, sizeof zero), 0);
}

SL_TEST(histogram, values_beyond_the_limit_count_and_keep_the_highest_exact)
{
    SL_AUTO(sl_histogram) struct sl_histogram *histogram = sl_histogram_new();
    struct sl_latency_summary summary;

    cr_assert_gt(SL_HISTOGRAM_LIMIT_NS, UINT64_C(3600) * SL_NS_PER_S, "an hour fits");
    sl_histogram_record(histogram, 0);
    sl_histogram_record(histogram, UINT64_MAX);
    sl_histogram_record(histogram, UINT64_MAX);
    sl_histogram_summarize(histogram, &summary);
    cr_assert_eq(summary.count, 3);
    cr_assert_eq(summary.min, 0);
    cr_assert_eq(summary.p50, UINT64_MAX);
    cr_assert_eq(summary.max, UINT64_MAX);
}

static struct sl_histogram *drawn(int shape, uint64_t seed, size_t n, struct sl_histogram *all)
{
    struct sl_histogram *histogram = sl_histogram_new();

    cr_assert(histogram);
    for (size_t i = 0; i < n; i++) {
        uint64_t value = draw(shape, &seed);
        sl_histogram_record(histogram, value);
        if (all)
            sl_histogram_record(all, value);
    }
    return histogram;
}

static void assert_same(const struct sl_histogram *a, const struct sl_histogram *b)
{
    struct sl_latency_summary left, right;

    sl_histogram_summarize(a, &left);
    sl_histogram_summarize(b, &right);
    cr_assert_eq(memcmp(&left, &right, sizeof left), 0, "counts %llu and %llu, p99 %llu and %llu",
                 (unsigned long long) left.count, (unsigned long long) right.count,
                 (unsigned long long) left.p99, (unsigned long long) right.p99);
    for (uint32_t per_mille = 1; per_mille <= 1000; per_mille++)
        cr_assert_eq(sl_histogram_percentile(a, per_mille), sl_histogram_percentile(b, per_mille));
}

SL_TEST(histogram, merged_ones_are_the_one_that_recorded_everything)
{
    SL_AUTO(sl_histogram) struct sl_histogram *all = sl_histogram_new();
    SL_AUTO(sl_histogram) struct sl_histogram *merged = sl_histogram_new();
    SL_AUTO(sl_histogram) struct sl_histogram *empty = sl_histogram_new();

    for (int shape = 0; shape < 5; shape++) {
        SL_AUTO(sl_histogram)
        struct sl_histogram *part = drawn(shape, 7 + (uint64_t) shape, 3000, all);
        sl_histogram_merge(merged, part);
        sl_histogram_merge(merged, empty);
    }
    assert_same(merged, all);
}

SL_TEST(histogram, packed_and_unpacked_it_is_the_same)
{
    for (int shape = 0; shape < 5; shape++) {
        SL_AUTO(sl_histogram)
        struct sl_histogram *sent = drawn(shape, 3, (size_t) shape * 777, NULL);
        SL_AUTO(sl_histogram) struct sl_histogram *got = sl_histogram_new();
        SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};
        sl_histogram_pack(sent, &packer);
        struct sl_unpacker unpacker = {.at = packer.data, .left = packer.size};
        cr_assert(sl_histogram_unpack(got, &unpacker));
        cr_assert(sl_unpack_ends(&unpacker));
        assert_same(got, sent);
    }
}

SL_TEST(histogram, a_malformed_one_is_refused_and_adds_nothing)
{
    SL_AUTO(sl_histogram) struct sl_histogram *sent = drawn(1, 3, 500, NULL);
    SL_AUTO(sl_histogram) struct sl_histogram *got = sl_histogram_new();
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    sl_histogram_pack(sent, &packer);
    for (size_t size = 0; size < packer.size; size++) {
        struct sl_unpacker cut = {.at = packer.data, .left = size};
        cr_assert_not(sl_histogram_unpack(got, &cut));
    }
    /* Bucket 5 with one value, which is then said to be 6; and buckets past the last. */
    static const char *const lies[] = {"\6\1\0\6\6", "\6\1\0\5\4", "\xff\xff\xff\1\1\0"};
    static const size_t sizes[] = {5, 5, 6};
    for (size_t i = 0; i < SL_COUNT_OF(lies); i++) {
        struct sl_unpacker lie = {.at = (const unsigned char *) lies[i], .left = sizes[i]};
        cr_assert_not(sl_histogram_unpack(got, &lie));
    }
    struct sl_latency_summary summary;
    sl_histogram_summarize(got, &summary);
    cr_assert_eq(summary.count, 0);
}
