/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leftover: a program whose shutdown leaves threads behind.
 *
 * It goes on at each byte on standard input and says with one on standard output
 * that it got there; at the end of input it exits.
 *
 *     1. nothing but the main thread
 *     2. 64 "pool" in queue_take, waiting for a condition that never comes
 *        4 "pull" in fetch, waiting for a semaphore that nobody posts
 *        1 "monitor" in check_health, sleeping 5 ms again and again
 *        2 "flush" waiting for the byte after the next
 *     3. "closed": all as before
 *     4. the two "flush" have ended and were joined
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define N_POOL  64
#define N_PULL  4
#define N_FLUSH 2

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_cond_t flushed = PTHREAD_COND_INITIALIZER;
static sem_t nothing_to_fetch;
static int flush;          /* under mutex */
static volatile int ended; /* never set; without it the compiler sees that nothing returns */

/* The results are used behind the calls, so that these do not become jumps. */
static __attribute__((noinline)) int queue_take(void)
{
    (void) pthread_mutex_lock(&mutex);
    while (!ended)
        (void) pthread_cond_wait(&never, &mutex);
    return 1;
}

static void *pool_worker(void *argument)
{
    volatile int result = queue_take();
    (void) result;
    return argument;
}

static __attribute__((noinline)) int fetch(void)
{
    while (!ended)
        (void) sem_wait(&nothing_to_fetch);
    return 1;
}

static void *pull_loop(void *argument)
{
    volatile int result = fetch();
    (void) result;
    return argument;
}

static __attribute__((noinline)) int check_health(void)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    while (!ended)
        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    return 1;
}

static void *monitor(void *argument)
{
    volatile int result = check_health();
    (void) result;
    return argument;
}

static void *flusher(void *argument)
{
    (void) pthread_mutex_lock(&mutex);
    while (!flush)
        (void) pthread_cond_wait(&flushed, &mutex);
    (void) pthread_mutex_unlock(&mutex);
    return argument;
}

static pthread_t begin(const char *name, void *(*function)(void *) )
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, NULL))
        abort();
    (void) pthread_setname_np(thread, name);
    return thread;
}

/* Say that a step was reached, and wait for the word to go on. */
static void reach_step(void)
{
    char byte = '.';
    if (write(STDOUT_FILENO, &byte, 1) != 1 || read(STDIN_FILENO, &byte, 1) != 1)
        _exit(0);
}

int main(void)
{
    pthread_t flushers[N_FLUSH];

    (void) prctl(PR_SET_PDEATHSIG, 9);
    (void) sem_init(&nothing_to_fetch, 0, 0);
    reach_step();
    for (int i = 0; i < N_POOL; i++)
        (void) begin("pool", pool_worker);
    for (int i = 0; i < N_PULL; i++)
        (void) begin("pull", pull_loop);
    (void) begin("monitor", monitor);
    for (int i = 0; i < N_FLUSH; i++)
        flushers[i] = begin("flush", flusher);
    reach_step();
    reach_step();
    (void) pthread_mutex_lock(&mutex);
    flush = 1;
    (void) pthread_cond_broadcast(&flushed);
    (void) pthread_mutex_unlock(&mutex);
    for (int i = 0; i < N_FLUSH; i++)
        (void) pthread_join(flushers[i], NULL);
    reach_step();
    return 0;
}
