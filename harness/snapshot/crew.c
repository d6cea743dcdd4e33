/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/crew.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/macros.h"

#define MAX_HELPERS 3   /* a snapshot should not take a whole machine */
#define CHUNK       32  /* items taken at once: some CPUs are slower than others, or busy */
#define MIN_ITEMS   256 /* fewer are done before a thread is made */

struct crew {
    void (*work)(void *argument, size_t i);
    void *argument;
    size_t n;
    atomic_size_t next; /* the first item that nobody took */
};

static void *run(void *argument)
{
    struct crew *crew = argument;
    for (size_t i; (i = atomic_fetch_add(&crew->next, CHUNK)) < crew->n;)
        for (size_t end = SL_MIN(i + CHUNK, crew->n); i < end; i++)
            crew->work(crew->argument, i);
    return NULL;
}

static size_t count_helpers(size_t n)
{
    cpu_set_t cpus;
    if (n < MIN_ITEMS || sched_getaffinity(0, sizeof cpus, &cpus))
        return 0;
    return SL_MIN((size_t) CPU_COUNT(&cpus) - 1, (size_t) MAX_HELPERS);
}

void sl_crew_run(size_t n, void (*work)(void *argument, size_t i), void *argument)
{
    struct crew crew = {.work = work, .argument = argument, .n = n};
    pthread_t helpers[MAX_HELPERS];
    size_t wanted = count_helpers(n), n_helpers = 0;
    sigset_t all, old;

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);
    while (n_helpers < wanted && pthread_create(&helpers[n_helpers], NULL, run, &crew) == 0)
        n_helpers++;
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void) run(&crew);
    for (size_t i = 0; i < n_helpers; i++)
        (void) pthread_join(helpers[i], NULL);
}
