/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into any program: three threads that wait at a condition in a block of memory that
 * nobody points to, and one at a condition in a block that a static variable keeps.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define N_FORGOTTEN 3

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
};

static struct pool *volatile kept;

static void *work(void *argument)
{
    struct pool *pool = argument;

    (void) pthread_mutex_lock(&pool->mutex);
    for (;;)
        (void) pthread_cond_wait(&pool->filled, &pool->mutex);
    return NULL;
}

static struct pool *start_pool(int n_threads)
{
    struct pool *pool = calloc(1, sizeof *pool);
    pthread_t thread;

    if (!pool)
        return NULL;
    (void) pthread_mutex_init(&pool->mutex, NULL);
    (void) pthread_cond_init(&pool->filled, NULL);
    for (int i = 0; i < n_threads; i++)
        if (pthread_create(&thread, NULL, work, pool) == 0)
            (void) pthread_detach(thread);
    return pool;
}

/* Calls that have returned leave what they had on the stack, and the next thread may get that. */
static void wipe_stack(void)
{
    volatile char stale[65536];
    for (size_t i = 0; i < sizeof stale; i++)
        stale[i] = 0;
}

static void *start_pools(void *unused)
{
    (void) start_pool(N_FORGOTTEN);
    kept = start_pool(1);
    wipe_stack();
    return unused;
}

/*
 * By a thread that ends, so that the stack of main has no trace of it.  No signal of the program's
 * is handled by any of them.
 */
__attribute__((constructor)) static void plant(void)
{
    sigset_t all, before;
    pthread_t planter;

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&planter, NULL, start_pools, NULL) == 0)
        (void) pthread_join(planter, NULL);
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
}
