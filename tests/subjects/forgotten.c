/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that nothing can wake any more, and such that something can: which, the argument says.
 *
 *   pool     workers wait at a condition in a block of memory that nobody points to
 *   cycle    the same, in two blocks that point to each other
 *   semaphore
 *   joiner   one joins a thread that waits so
 *   abba     two lock two static mutexes in opposite order
 *   static   the condition is a static variable
 *   kept     it is in a block that a variable of main points to
 *   timed    as pool, with a time-out
 *
 * Prints "ready" once all of them have begun, and ends when its input does.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 3

struct pool {
    char padding[40];
    struct pool *other;
    pthread_mutex_t lock;
    pthread_cond_t work;
    sem_t semaphore;
};

static struct pool static_pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                  .work = PTHREAD_COND_INITIALIZER};
static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both;

static void *wait_in_pool(void *argument)
{
    struct pool *pool = argument;

    (void) pthread_mutex_lock(&pool->lock);
    for (;;)
        (void) pthread_cond_wait(&pool->work, &pool->lock);
    return NULL;
}

static void *wait_in_pool_timed(void *argument)
{
    struct pool *pool = argument;
    struct timespec until = {.tv_sec = time(NULL) + 3600};

    (void) pthread_mutex_lock(&pool->lock);
    (void) pthread_cond_timedwait(&pool->work, &pool->lock, &until);
    (void) pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void *wait_at_semaphore(void *argument)
{
    struct pool *pool = argument;

    while (sem_wait(&pool->semaphore))
        ;
    return NULL;
}

static void *join(void *argument)
{
    pthread_t *joined = argument, thread = *joined;

    free(joined);
    (void) pthread_join(thread, NULL);
    return NULL;
}

static void *lock_both(void *argument)
{
    size_t first = (size_t) argument;

    (void) pthread_mutex_lock(&locks[first]);
    (void) pthread_barrier_wait(&both);
    (void) pthread_mutex_lock(&locks[1 - first]);
    return NULL;
}

static struct pool *new_pool(void)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        abort();
    (void) pthread_mutex_init(&pool->lock, NULL);
    (void) pthread_cond_init(&pool->work, NULL);
    (void) sem_init(&pool->semaphore, 0, 0);
    pool->other = pool;
    return pool;
}

static pthread_t start(void *(*run)(void *argument), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument))
        abort();
    return thread;
}

static __attribute__((noinline)) struct pool *plant(const char *kind)
{
    struct pool *pool = new_pool(), *other = new_pool();
    int is_static = strcmp(kind, "static") == 0;

    if (strcmp(kind, "abba") == 0) {
        (void) pthread_barrier_init(&both, NULL, 2);
        (void) start(lock_both, NULL);
        (void) start(lock_both, (void *) 1);
        return NULL;
    }
    if (strcmp(kind, "cycle") == 0) {
        pool->other = other;
        other->other = pool;
        (void) start(wait_in_pool, other);
    }
    for (int i = 0; i < WORKERS; i++)
        (void) start(strcmp(kind, "semaphore") == 0 ? wait_at_semaphore
                     : strcmp(kind, "timed") == 0   ? wait_in_pool_timed
                                                    : wait_in_pool,
                     is_static ? &static_pool : pool);
    if (strcmp(kind, "joiner") == 0) {
        pthread_t *joined = malloc(sizeof *joined);
        if (!joined)
            abort();
        *joined = start(wait_in_pool, pool);
        (void) start(join, joined);
    }
    return pool;
}

/* What plant left of pointers on the stack. */
static __attribute__((noinline)) void wipe(void)
{
    volatile char room[16384];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}

int main(int argc, char **argv)
{
    struct pool *volatile kept = NULL;
    char byte;

    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "kept") == 0)
        kept = plant(argv[1]);
    else
        (void) plant(argv[1]);
    wipe();
    (void) puts("ready");
    (void) fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return kept == NULL ? 0 : 0;
}
