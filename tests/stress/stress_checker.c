/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads handle the messages of few keys, handing each key from thread to thread
 * but never breaking its order: not one violation may be reported.  Then the
 * order is broken a known number of times, and each must be.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "harness/load/checker.h"
#include "stress.h"

#define N_THREADS 8
#define N_EVENTS  100000
#define N_KEYS    5

static struct sl_load_plan *plan;
static struct sl_checker *checker;

static struct {
    pthread_mutex_t mutex; /* held while a message of the key is handled */
    uint32_t *events;
    uint32_t n_events, next;
} keys[N_KEYS];

static void collect_keys(void)
{
    for (uint32_t k = 0; k < N_KEYS; k++) {
        EXPECT(pthread_mutex_init(&keys[k].mutex, NULL) == 0);
        EXPECT((keys[k].events = calloc(plan->n_events, sizeof *keys[k].events)));
    }
    for (uint32_t i = 0; i < plan->n_events; i++) {
        uint32_t k = plan->events[i].key;
        keys[k].events[keys[k].n_events++] = i;
    }
}

static void handle(uint32_t index, bool redelivered)
{
    EXPECT(sl_checker_enter(checker, index) == !redelivered);
    sl_checker_leave(checker, index, redelivered, sl_clock_now_ns());
}

/* Handle the next message of some key; every tenth comes twice. */
static void *handle_messages(void *argument)
{
    for (uint32_t k = (uint32_t) (uintptr_t) argument, idle = 0; idle < N_KEYS; k++) {
        uint32_t key = k % N_KEYS;
        idle++;
        EXPECT(pthread_mutex_lock(&keys[key].mutex) == 0);
        if (keys[key].next < keys[key].n_events) {
            uint32_t index = keys[key].events[keys[key].next++];
            handle(index, false);
            if (index % 10 == 0)
                handle(index, true);
            idle = 0;
        }
        EXPECT(pthread_mutex_unlock(&keys[key].mutex) == 0);
    }
    return NULL;
}

/* Answers race with the handlers: accepted, or never known. */
static void *answer_publishes(void *argument)
{
    for (uint32_t i = 0; i < N_EVENTS; i++)
        EXPECT(sl_checker_answer(checker, i, i % 7 ? SL_PUBLISH_ACCEPTED : SL_PUBLISH_UNKNOWN));
    return argument;
}

static void make_checker(uint32_t n_keys)
{
    const struct sl_scenario_load load = {
        .events = N_EVENTS, .topics = 1, .aggregates = n_keys, .payload = 64, .publishers = 1};
    EXPECT(sl_load_plan_new(&load, 1, &plan, NULL) == SL_OK);
    EXPECT((checker = sl_checker_new(plan)));
    for (uint32_t i = 0; i < plan->n_events; i++)
        sl_checker_try(checker, i);
}

static void free_checker(void)
{
    sl_checker_free(checker);
    sl_load_plan_free(plan);
}

static void keep_order(void)
{
    pthread_t threads[N_THREADS], answering;
    struct sl_load_counts counts;

    make_checker(N_KEYS);
    collect_keys();
    EXPECT(pthread_create(&answering, NULL, answer_publishes, NULL) == 0);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, handle_messages, (void *) i) == 0);
    sl_checker_all_tried(checker);
    EXPECT(sl_checker_wait(checker, sl_clock_now_ns() + 300 * SL_NS_PER_S));
    for (int i = 0; i < N_THREADS; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(pthread_join(answering, NULL) == 0);
    sl_checker_count(checker, &counts);
    EXPECT(counts.order_violations == 0 && counts.breaches == 0);
    EXPECT(counts.published == N_EVENTS && counts.handled == N_EVENTS);
    EXPECT(counts.rejected == 0 && counts.unknown == 0);
    EXPECT(counts.redelivered == N_EVENTS / 10);
    EXPECT(counts.handler_calls == N_EVENTS + N_EVENTS / 10);
    for (uint32_t k = 0; k < N_KEYS; k++)
        free(keys[k].events);
    free_checker();
}

static pthread_barrier_t meeting;

/* Two threads are in the handler with one key, N_PAIRS times. */
#define N_PAIRS 2000
static void *overlap(void *argument)
{
    uint32_t which = (uint32_t) (uintptr_t) argument;
    for (uint32_t i = 0; i < N_PAIRS; i++) {
        (void) sl_checker_enter(checker, 2 * i + which);
        (void) pthread_barrier_wait(&meeting);
        sl_checker_leave(checker, 2 * i + which, false, 1);
        (void) pthread_barrier_wait(&meeting);
    }
    return NULL;
}

static void break_order(void)
{
    pthread_t threads[2];
    struct sl_load_counts counts;

    make_checker(1);
    EXPECT(pthread_barrier_init(&meeting, NULL, 2) == 0);
    for (uintptr_t i = 0; i < 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, overlap, (void *) i) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    sl_checker_count(checker, &counts);
    EXPECT(counts.order_violations == N_PAIRS && counts.handled == (uint64_t) 2 * N_PAIRS);
    EXPECT(pthread_barrier_destroy(&meeting) == 0);
    free_checker();
}

int main(void)
{
    keep_order();
    break_order();
    return 0;
}
