/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simple queue that the bus is compared with in memory: per worker one bounded
 * ring with a mutex and two conditions, one lock and one wake-up per message.  A
 * message is copied once, into memory of its own, as the bus does.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "bus_bench.h"

#define CAPACITY BUS_DEFAULT_QUEUE_CAPACITY

struct simple_worker {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    void *ring[CAPACITY];
    uint32_t head, count;
    pthread_t thread;
    _Alignas(64) atomic_uint_fast64_t handled; /* written by the worker only */
};

struct simple_pool {
    struct simple_worker *workers;
    uint32_t n_workers;
};

static void push(struct simple_worker *worker, void *message)
{
    (void) pthread_mutex_lock(&worker->mutex);
    while (worker->count == CAPACITY)
        (void) pthread_cond_wait(&worker->not_full, &worker->mutex);
    worker->ring[(worker->head + worker->count++) % CAPACITY] = message;
    (void) pthread_cond_signal(&worker->not_empty);
    (void) pthread_mutex_unlock(&worker->mutex);
}

static void *pop(struct simple_worker *worker)
{
    (void) pthread_mutex_lock(&worker->mutex);
    while (worker->count == 0)
        (void) pthread_cond_wait(&worker->not_empty, &worker->mutex);
    void *message = worker->ring[worker->head];
    worker->head = (worker->head + 1) % CAPACITY;
    worker->count--;
    (void) pthread_cond_signal(&worker->not_full);
    (void) pthread_mutex_unlock(&worker->mutex);
    return message;
}

/* Runs until the process ends. */
static void *run_worker(void *argument)
{
    struct simple_worker *worker = argument;
    for (;;) {
        free(pop(worker));
        atomic_store_explicit(&worker->handled,
                              atomic_load_explicit(&worker->handled, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    }
    return NULL;
}

static void start_pool(struct simple_pool *pool, uint32_t n_workers)
{
    pthread_attr_t attributes;
    pool->n_workers = n_workers;
    pool->workers = aligned_alloc(64, n_workers * sizeof *pool->workers);
    if (!pool->workers)
        bench_fail("no memory for %u workers", n_workers);
    memset(pool->workers, 0, n_workers * sizeof *pool->workers);
    (void) pthread_attr_init(&attributes);
    (void) pthread_attr_setstacksize(&attributes, BUS_DEFAULT_STACK_SIZE);
    for (uint32_t i = 0; i < n_workers; i++) {
        struct simple_worker *worker = &pool->workers[i];
        (void) pthread_mutex_init(&worker->mutex, NULL);
        (void) pthread_cond_init(&worker->not_empty, NULL);
        (void) pthread_cond_init(&worker->not_full, NULL);
        if (pthread_create(&worker->thread, &attributes, run_worker, worker))
            bench_fail("cannot create worker %u", i);
    }
    (void) pthread_attr_destroy(&attributes);
}

/* Pools one after another; a topic's workers begin at its number times `step`. */
struct simple_run {
    struct simple_pool pool;
    uint32_t n_messages, step, n_per_topic;
};

static void *publish_all(void *argument)
{
    struct simple_run *run = argument;
    struct sl_message message;
    char key[16];
    for (uint32_t i = 0; i < run->n_messages; i++) {
        bench_fill(i, key, &message);
        size_t size = strlen(key) + 1;
        char *copy = malloc(size + message.payload_size);
        if (!copy)
            bench_fail("no memory for a message");
        memcpy(copy, key, size);
        memcpy(copy + size, message.payload, message.payload_size);
        uint32_t worker = sl_fnv32(SL_FNV32_BASIS, key, size - 1) % run->n_per_topic;
        push(&run->pool.workers[i % BENCH_TOPICS * run->step + worker], copy);
    }
    return NULL;
}

static uint64_t count_handled(void *user)
{
    const struct simple_run *run = user;
    uint64_t n = 0;
    for (uint32_t i = 0; i < run->pool.n_workers; i++)
        n += atomic_load_explicit(&run->pool.workers[i].handled, memory_order_relaxed);
    return n;
}

static void
play(struct simple_run *run, const struct bench_options *options, struct bench_sample *ret_sample)
{
    pthread_t publisher;
    run->n_messages = options->n_in_memory;
    if (pthread_create(&publisher, NULL, publish_all, run))
        bench_fail("cannot create a publisher");
    bench_measure(options, count_handled, run, run->n_messages / 10, run->n_messages, ret_sample);
    (void) pthread_join(publisher, NULL);
}

void bench_queue_unified(const struct bench_options *options, struct bench_sample *ret_sample)
{
    struct simple_run run = {.step = 0, .n_per_topic = BENCH_WORKERS};
    start_pool(&run.pool, BENCH_WORKERS);
    play(&run, options, ret_sample);
}

void bench_queue_keyed(const struct bench_options *options, struct bench_sample *ret_sample)
{
    struct simple_run run = {.step = BENCH_KEYED, .n_per_topic = BENCH_KEYED};
    start_pool(&run.pool, BENCH_TOPICS * BENCH_KEYED);
    play(&run, options, ret_sample);
}
