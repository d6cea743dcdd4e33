/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histogram of latencies: log-linear buckets, as in Gil Tene's HdrHistogram.
 *
 * Each power of two is cut into 1024 equal buckets, so that a percentile is at
 * most 1/1024 (0.1 %) above the value that was recorded; up to 2047 ns it is
 * exact, and so are the lowest and the highest value.  What exceeds
 * SL_HISTOGRAM_LIMIT_NS counts in the last bucket.
 *
 * Any number of threads may record at once; nobody waits.  A summary taken
 * meanwhile may miss values that are just being recorded, but fits itself.
 */
#ifndef SL_LOAD_HISTOGRAM_H
#define SL_LOAD_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/pack.h"
#include "harness/load/record.h"

#define SL_HISTOGRAM_LIMIT_NS ((UINT64_C(1) << 42) - 1) /* 73 minutes */

struct sl_histogram;

/* @return NULL when memory is short */
struct sl_histogram *sl_histogram_new(void);
void sl_histogram_free(struct sl_histogram *histogram);
SL_DEFINE_AUTO(sl_histogram, sl_histogram_free);

void sl_histogram_record(struct sl_histogram *histogram, uint64_t value_ns);

/* Add the values of another one, bucket by bucket, as if each had been recorded here. */
void sl_histogram_merge(struct sl_histogram *into, const struct sl_histogram *from);

/*
 * Pack the buckets that hold something, as pairs (buckets up from the one before, from 1;
 * values in it), then 0, and when there was one, the lowest and the highest value.  Not while
 * values are being recorded.
 */
void sl_histogram_pack(const struct sl_histogram *histogram, struct sl_packer *packer);

/* No packed one has more bytes. */
size_t sl_histogram_packed_max(void);

/* Add the values of a packed one.  @return false, with nothing added, when it is malformed */
bool sl_histogram_unpack(struct sl_histogram *into, struct sl_unpacker *unpacker);

/* Smallest value that `per_mille` of 1000 values do not exceed; 0 when there are none. */
uint64_t sl_histogram_percentile(const struct sl_histogram *histogram, uint32_t per_mille);

/* All fields are 0 when nothing was recorded. */
void sl_histogram_summarize(const struct sl_histogram *histogram,
                            struct sl_latency_summary *ret_summary);

#endif
