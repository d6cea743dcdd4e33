/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks of the bus: what a trial is, and the trials there are.
 *
 * A trial runs in a process of its own, so that none inherits another's memory,
 * threads or connections.  The clock runs only while messages flow: from the moment
 * every thread exists and a first part was handled until the last but a few percent.
 */
#ifndef BUS_BENCH_H
#define BUS_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/bus.h>

#define BENCH_TOPICS  5u
#define BENCH_KEYS    100u
#define BENCH_PAYLOAD 256u
#define BENCH_WORKERS 16u   /* unified pool, and the simple queues */
#define BENCH_KEYED   1024u /* workers of a topic in keyed mode */
#define BENCH_PENDING 8192u /* publishes under way at once */

/* What the bus and the bare loop ask the server for, in the same way. */
#define BENCH_PULL_BATCH  500u
#define BENCH_PULL_TARGET 2000u

struct bench_options {
    const char *servers;  /* NULL: only what needs none */
    long server_pid;      /* 0: its processor time is not measured */
    uint32_t n_messages;  /* of a trial on the server */
    uint32_t n_in_memory; /* of a trial in memory */
    unsigned n_trials;
};

struct bench_sample {
    double per_second;           /* messages */
    double switches_per_message; /* voluntary, of all threads */
    double cpu_us_per_message;   /* of this process */
    double server_us_per_message;
    double milliseconds;     /* close */
    double cpu_milliseconds; /* close */
    int64_t bytes_left;      /* allocated, after everything was freed */
    uint32_t threads;        /* of this process but its main one, everything subscribed */
    uint32_t bus_threads;    /* of these, the bus's own */
};

/* Runs in a child; does not return when something goes wrong. */
typedef void (*bench_trial)(const struct bench_options *options, struct bench_sample *ret_sample);

extern const char *const bench_topics[BENCH_TOPICS];

/* End this process with a text. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Message number `number` of a trial: its topic and key follow from it. */
void bench_fill(uint32_t number, char key[16], struct sl_message *ret_message);

/* A stretch of time of this process, this thread excluded: it only watches. */
struct bench_span {
    uint64_t began_ns;
    uint64_t began_count;
    int64_t switches;
    int64_t cpu_us, server_us;
};

/* How many messages were handled so far. */
typedef uint64_t (*bench_counter)(void *user);

/*
 * Watch a counter and measure from the later of now and `first` messages to `last`.
 * Ends this process when nothing moves for long.
 */
void bench_measure(const struct bench_options *options, bench_counter counter, void *user,
                   uint64_t first, uint64_t last, struct bench_sample *ret_sample);

/* Threads of this process but one. */
uint32_t bench_count_threads(void);

/* bus_bench_bus.c: the bus. */
void bench_memory_unified(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_memory_keyed(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_nats_unified(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_nats_keyed(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_nats_direct(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_nats_publish(const struct bench_options *options, struct bench_sample *ret_sample);
/* Put n_messages into the streams that the trials on the server read. */
void bench_nats_fill(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_nats_purge(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_close_idle(const struct bench_options *options, struct bench_sample *ret_sample);

/* bus_bench_queue.c: a mutex-and-condition queue per worker, one lock per message. */
void bench_queue_unified(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_queue_keyed(const struct bench_options *options, struct bench_sample *ret_sample);

#ifdef BENCH_NATS
/* bus_bench_nats.c: the client library by itself. */
void bench_bare_consume(const struct bench_options *options, struct bench_sample *ret_sample);
void bench_bare_publish(const struct bench_options *options, struct bench_sample *ret_sample);
/* Delete the bus's consumers, so that the next trial reads the streams from the start. */
void bench_bare_reset(const struct bench_options *options, struct bench_sample *ret_sample);
#endif

/* Prefix of the streams that are read, and of those that are published to. */
#define BENCH_READ_PREFIX    "benchread_"
#define BENCH_PUBLISH_PREFIX "benchpublish_"

#endif
