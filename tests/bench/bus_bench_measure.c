/* SPDX-License-Identifier: Apache-2.0 */
/* What all trials share: the messages, the clock, the counters of this process. */
#include "bus_bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

#define WATCH_NS (2 * SL_NS_PER_MS)
#define STUCK_NS (30 * SL_NS_PER_S)

const char *const bench_topics[BENCH_TOPICS] = {"a", "b", "c", "d", "e"};

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void) fputs("bus_bench: ", stderr);
    (void) vfprintf(stderr, format, args);
    (void) fputc('\n', stderr);
    va_end(args);
    exit(3);
}

void bench_fill(uint32_t number, char key[16], struct sl_message *ret_message)
{
    static const char payload[BENCH_PAYLOAD];
    (void) snprintf(key, 16, "key-%u", number % BENCH_KEYS);
    *ret_message = (struct sl_message){.topic = bench_topics[number % BENCH_TOPICS],
                                       .key = key,
                                       .payload = payload,
                                       .payload_size = sizeof payload};
}

static int64_t cpu_us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000) +
           usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/* Processor time of another process, in steps of the system's clock tick. */
static int64_t cpu_us_of(long pid)
{
    char path[64], text[512];
    unsigned long long user = 0, kernel = 0;
    (void) snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = pid > 0 ? fopen(path, "r") : NULL;
    if (!file)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void) fclose(file);
    text[size] = '\0';
    const char *rest = strrchr(text, ')'); /* behind the name; 11 fields follow before the times */
    if (!rest || sscanf(rest, ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user,
                        &kernel) != 2)
        return 0;
    return (int64_t) ((user + kernel) * 1000000 / (unsigned long long) sysconf(_SC_CLK_TCK));
}

static struct bench_span now(const struct bench_options *options, uint64_t count)
{
    struct rusage all, own;
    (void) getrusage(RUSAGE_SELF, &all);
    (void) getrusage(RUSAGE_THREAD, &own);
    return (struct bench_span){.began_ns = sl_clock_now_ns(),
                               .began_count = count,
                               .switches = all.ru_nvcsw - own.ru_nvcsw,
                               .cpu_us = cpu_us(&all) - cpu_us(&own),
                               .server_us = cpu_us_of(options->server_pid)};
}

/* Wait until the counter has reached a number; nothing else of this process needs this thread. */
static uint64_t watch(bench_counter counter, void *user, uint64_t until)
{
    uint64_t count = counter(user), seen = count, moved_ns = sl_clock_now_ns();
    while (count < until) {
        sl_clock_sleep_ns(WATCH_NS);
        count = counter(user);
        if (count != seen)
            moved_ns = sl_clock_now_ns();
        seen = count;
        if (sl_clock_now_ns() - moved_ns > STUCK_NS)
            bench_fail("stuck at %llu of %llu messages", (unsigned long long) count,
                       (unsigned long long) until);
    }
    return count;
}

void bench_measure(const struct bench_options *options, bench_counter counter, void *user,
                   uint64_t first, uint64_t last, struct bench_sample *ret_sample)
{
    struct bench_span from = now(options, watch(counter, user, first));
    if (from.began_count >= last)
        bench_fail("too few messages: all were handled before the clock started");
    struct bench_span to = now(options, watch(counter, user, last));
    double n = (double) (to.began_count - from.began_count);
    ret_sample->per_second = n / ((double) (to.began_ns - from.began_ns) / SL_NS_PER_S);
    ret_sample->switches_per_message = (double) (to.switches - from.switches) / n;
    ret_sample->cpu_us_per_message = (double) (to.cpu_us - from.cpu_us) / n;
    ret_sample->server_us_per_message = (double) (to.server_us - from.server_us) / n;
}

/* Not by listing /proc/self/task: an entry that was looked at is more work to end. */
uint32_t bench_count_threads(void)
{
    uint32_t n = 0;
    char line[128];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "Threads: %u", &n) != 1)
        ;
    if (!file || n == 0)
        bench_fail("cannot count the threads");
    (void) fclose(file);
    return n - 1;
}
