/* SPDX-License-Identifier: Apache-2.0 */
/* Eight threads record at once, one summarizes meanwhile; nothing may be missing at the end. */
#include <pthread.h>
#include <stdatomic.h>

#include "harness/load/histogram.h"
#include "stress.h"

#define N_THREADS 8
#define N_VALUES  500000

static struct sl_histogram *histogram;
static atomic_bool done;

/* Thread t records t + 1, t + 1 + N_THREADS...: together 1 to N_THREADS * N_VALUES, once each. */
static void *record_values(void *argument)
{
    uint64_t value = (uint64_t) (uintptr_t) argument + 1;
    for (int i = 0; i < N_VALUES; i++, value += N_THREADS)
        sl_histogram_record(histogram, value);
    return NULL;
}

static void *summarize(void *argument)
{
    uint64_t count = 0;
    while (!atomic_load(&done)) {
        struct sl_latency_summary summary;
        sl_histogram_summarize(histogram, &summary);
        EXPECT(summary.count >= count);
        EXPECT(summary.min <= summary.p50 && summary.p50 <= summary.p99);
        EXPECT(summary.p99 <= summary.p999 && summary.p999 <= summary.max);
        count = summary.count;
    }
    return argument;
}

int main(void)
{
    pthread_t threads[N_THREADS], reader;
    struct sl_latency_summary summary;
    const uint64_t n = (uint64_t) N_THREADS * N_VALUES;

    EXPECT((histogram = sl_histogram_new()));
    EXPECT(pthread_create(&reader, NULL, summarize, NULL) == 0);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, record_values, (void *) i) == 0);
    for (int i = 0; i < N_THREADS; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    atomic_store(&done, true);
    EXPECT(pthread_join(reader, NULL) == 0);

    sl_histogram_summarize(histogram, &summary);
    EXPECT(summary.count == n && summary.min == 1 && summary.max == n);
    EXPECT(summary.p50 >= n / 2 && summary.p50 <= n / 2 + n / 2 / 1024);
    sl_histogram_free(histogram);
    return 0;
}
