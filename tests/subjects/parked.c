/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parked THREADS [DEPTHS]: threads that wait for a condition that never comes.
 *
 * Thread i waits at depth i % DEPTHS.  Expected stack, innermost first:
 *
 *     ... pthread_cond_wait, park, level (depth times), worker, start_thread, clone3
 *
 * The main thread waits in read() on standard input and ends the process when that
 * is closed.  One byte on standard output says that every thread is parked.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_cond_t all_parked = PTHREAD_COND_INITIALIZER;
static unsigned long n_parked, n_threads, n_depths = 1;
static volatile int ended; /* never set; without it the compiler sees that nothing returns */

/* The results are used behind the calls, so that these do not become jumps. */
static __attribute__((noinline)) int park(void)
{
    (void) pthread_mutex_lock(&mutex);
    if (++n_parked == n_threads)
        (void) pthread_cond_signal(&all_parked);
    while (!ended)
        (void) pthread_cond_wait(&never, &mutex);
    return 0;
}

static __attribute__((noinline)) int level(unsigned long depth)
{
    volatile int result = depth ? level(depth - 1) : park();
    return result + 1;
}

static void *worker(void *argument)
{
    unsigned long number = (unsigned long) argument;
    volatile int result = level(number % n_depths);
    (void) result;
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_attr_t attributes;
    char byte = '.';

    n_threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (argc > 2)
        n_depths = strtoul(argv[2], NULL, 10);
    (void) pthread_attr_init(&attributes);
    (void) pthread_attr_setstacksize(&attributes, 64 * 1024);
    for (unsigned long i = 0; i < n_threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, worker, (void *) i)) {
            perror("pthread_create");
            return 1;
        }
    }
    (void) pthread_mutex_lock(&mutex);
    while (n_parked < n_threads)
        (void) pthread_cond_wait(&all_parked, &mutex);
    (void) pthread_mutex_unlock(&mutex);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
