/* SPDX-License-Identifier: Apache-2.0 */
/* The bus in the benchmarks. */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "bus_bench.h"

#define DEADLINE_NS (30 * SL_NS_PER_S)
#define PARK_NS     (300 * SL_NS_PER_MS) /* ample for the last worker to be parked */

static enum sl_status ignore(void *user, const struct sl_message *message)
{
    (void) user;
    (void) message;
    return SL_OK;
}

static struct bus *open_bus(const struct bench_options *options, const char *transport,
                            enum bus_mode mode, const char *prefix)
{
    struct sl_error err = {0};
    struct bus *bus = NULL;
    struct bus_config config = {.size = sizeof config,
                                .mode = mode,
                                .transport = transport,
                                .servers = options->servers,
                                .prefix = prefix,
                                .topics = bench_topics,
                                .n_topics = BENCH_TOPICS,
                                .workers = mode == BUS_KEYED ? BENCH_KEYED : BENCH_WORKERS,
                                .max_pending = BENCH_PENDING};
    if (bus_open(&config, &bus, &err))
        bench_fail("%s", err.text);
    return bus;
}

static void subscribe_all(struct bus *bus)
{
    struct sl_error err = {0};
    for (unsigned i = 0; i < BENCH_TOPICS; i++) {
        if (bus_subscribe(bus, bench_topics[i], ignore, NULL, &err))
            bench_fail("%s", err.text);
    }
}

static void close_bus(struct bus *bus)
{
    struct sl_error err = {0};
    if (bus_close(bus, DEADLINE_NS, NULL, &err))
        bench_fail("%s", err.text);
    bus_free(bus);
}

static uint64_t count_delivered(void *user)
{
    struct sl_driver_stats stats = {.size = sizeof stats};
    bus_stats(user, &stats);
    return stats.delivered;
}

static void count_threads(struct bus *bus, struct bench_sample *ret_sample)
{
    struct sl_driver_stats stats = {.size = sizeof stats};
    bus_stats(bus, &stats);
    ret_sample->bus_threads = stats.threads;
    ret_sample->threads = bench_count_threads();
}

struct publishing {
    struct bus *bus;
    uint32_t first, n;
};

static void *publish(void *argument)
{
    const struct publishing *publishing = argument;
    struct sl_message message;
    struct sl_error err = {0};
    char key[16];
    for (uint32_t i = publishing->first; i < publishing->first + publishing->n; i++) {
        bench_fill(i, key, &message);
        if (bus_publish(publishing->bus, &message, i, &err))
            bench_fail("%s", err.text);
    }
    return NULL;
}

/* Publish, and wait for every outcome. */
static void publish_and_flush(struct bus *bus, uint32_t n)
{
    struct publishing publishing = {.bus = bus, .n = n};
    struct sl_error err = {0};
    (void) publish(&publishing);
    if (bus_flush(bus, DEADLINE_NS, &err))
        bench_fail("%s", err.text);
}

static void play_in_memory(const struct bench_options *options, enum bus_mode mode,
                           struct bench_sample *ret_sample)
{
    struct bus *bus = open_bus(options, "memory", mode, NULL);
    struct publishing publishing = {.bus = bus, .n = options->n_in_memory};
    pthread_t publisher;

    subscribe_all(bus);
    count_threads(bus, ret_sample);
    if (pthread_create(&publisher, NULL, publish, &publishing))
        bench_fail("cannot create a publisher");
    bench_measure(options, count_delivered, bus, publishing.n / 10, publishing.n, ret_sample);
    (void) pthread_join(publisher, NULL);
    close_bus(bus);
}

void bench_memory_unified(const struct bench_options *options, struct bench_sample *ret_sample)
{
    play_in_memory(options, BUS_UNIFIED, ret_sample);
}

void bench_memory_keyed(const struct bench_options *options, struct bench_sample *ret_sample)
{
    play_in_memory(options, BUS_KEYED, ret_sample);
}

/* Read what bench_nats_fill published, from the start. */
static void
read_all(const struct bench_options *options, enum bus_mode mode, struct bench_sample *ret_sample)
{
    struct bus *bus = open_bus(options, "nats", mode, BENCH_READ_PREFIX);
    subscribe_all(bus);
    count_threads(bus, ret_sample);
    bench_measure(options, count_delivered, bus, options->n_messages / 10,
                  options->n_messages - options->n_messages / 5, ret_sample);
    close_bus(bus);
}

void bench_nats_unified(const struct bench_options *options, struct bench_sample *ret_sample)
{
    read_all(options, BUS_UNIFIED, ret_sample);
}

void bench_nats_keyed(const struct bench_options *options, struct bench_sample *ret_sample)
{
    read_all(options, BUS_KEYED, ret_sample);
}

void bench_nats_direct(const struct bench_options *options, struct bench_sample *ret_sample)
{
    read_all(options, BUS_DIRECT, ret_sample);
}

void bench_nats_fill(const struct bench_options *options, struct bench_sample *ret_sample)
{
    (void) ret_sample;
    struct bus *bus = open_bus(options, "nats", BUS_DIRECT, BENCH_READ_PREFIX);
    publish_and_flush(bus, options->n_messages);
    close_bus(bus);
}

static void purge(const struct bench_options *options, const char *prefix)
{
    struct sl_error err = {0};
    struct bus_config config = {
        .size = sizeof config, .transport = "nats", .servers = options->servers, .prefix = prefix};
    if (bus_purge(&config, &err))
        bench_fail("%s", err.text);
}

void bench_nats_purge(const struct bench_options *options, struct bench_sample *ret_sample)
{
    (void) ret_sample;
    purge(options, BENCH_READ_PREFIX);
    purge(options, BENCH_PUBLISH_PREFIX);
}

void bench_nats_publish(const struct bench_options *options, struct bench_sample *ret_sample)
{
    purge(options, BENCH_PUBLISH_PREFIX);
    struct bus *bus = open_bus(options, "nats", BUS_DIRECT, BENCH_PUBLISH_PREFIX);
    publish_and_flush(bus, options->n_messages / 20);
    uint64_t began_ns = sl_clock_now_ns();
    publish_and_flush(bus, options->n_messages);
    uint64_t took_ns = sl_clock_now_ns() - began_ns;
    ret_sample->per_second = (double) options->n_messages / ((double) took_ns / SL_NS_PER_S);
    close_bus(bus);
}

static double cpu_ms(void)
{
    struct rusage usage;
    (void) getrusage(RUSAGE_SELF, &usage);
    return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

struct closing {
    const struct bench_options *options;
    struct bench_sample *sample;
};

static void *close_once(void *argument)
{
    const struct closing *closing = argument;
    struct bench_sample *sample = closing->sample;
    struct sl_error err = {0};
    struct bus *bus = open_bus(closing->options, "memory", BUS_KEYED, NULL);
    subscribe_all(bus);
    count_threads(bus, sample);
    sl_clock_sleep_ns(PARK_NS);
    double cpu_before = cpu_ms();
    uint64_t began_ns = sl_clock_now_ns();
    if (bus_close(bus, DEADLINE_NS, NULL, &err))
        bench_fail("%s", err.text);
    sample->milliseconds = (double) (sl_clock_now_ns() - began_ns) / SL_NS_PER_MS;
    sample->cpu_milliseconds = cpu_ms() - cpu_before;
    bus_free(bus);
    return NULL;
}

/*
 * The first bus pays for what the C library allocates once; the second is measured.
 * Each lives in a thread of its own, because what a thread has freed counts as
 * allocated while the C library caches it for the thread.
 */
void bench_close_idle(const struct bench_options *options, struct bench_sample *ret_sample)
{
    struct closing closing = {.options = options, .sample = ret_sample};
    size_t before = 0;
    for (unsigned i = 0; i < 2; i++) {
        pthread_t thread;
        before = mallinfo2().uordblks;
        if (pthread_create(&thread, NULL, close_once, &closing))
            bench_fail("cannot create a thread");
        (void) pthread_join(thread, NULL);
        ret_sample->threads--; /* that thread */
    }
    ret_sample->bytes_left = (int64_t) mallinfo2().uordblks - (int64_t) before;
}
