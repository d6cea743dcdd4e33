/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool whose Close forgets its workers: they wait for work that nobody can give them.
 *
 *     ./forgotten_pool & strandline snapshot --prove $!
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    int n_jobs;
};

static struct pool *volatile g_orders, *volatile g_mails;

static void *worker_main(void *argument)
{
    struct pool *pool = argument;

    (void) pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->n_jobs)
            (void) pthread_cond_wait(&pool->work, &pool->lock);
        pool->n_jobs--;
    }
    return NULL;
}

static struct pool *pool_open(int n_workers)
{
    struct pool *pool = calloc(1, sizeof *pool);
    pthread_t worker;

    if (!pool)
        abort();
    (void) pthread_mutex_init(&pool->lock, NULL);
    (void) pthread_cond_init(&pool->work, NULL);
    for (int i = 0; i < n_workers; i++)
        if (pthread_create(&worker, NULL, worker_main, pool) || pthread_detach(worker))
            abort();
    return pool;
}

static __attribute__((noinline)) void open_all(void)
{
    g_orders = pool_open(64);
    g_mails = pool_open(8);
}

/* Lets go of one pool, and so of all that could wake its workers. */
static void close_orders(void)
{
    g_orders = NULL;
}

int main(void)
{
    open_all();
    close_orders();
    for (;;)
        (void) pause();
}
