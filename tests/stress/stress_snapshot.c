/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several threads take snapshots of their own process at once, each with a crew that
 * reads groups of threads side by side, while other threads come and go.  Every
 * parked thread must be in every snapshot, complete and unchanged, and no descriptor may be
 * left over.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <strandline/snapshot.h>

#include "harness/model/snapshot.h"
#include "stress.h"

#define N_PARKED  700 /* enough for a crew, and for several groups of each member */
#define N_TAKERS  3
#define N_ROUNDS  6
#define N_COMING  4
#define MAX_DEPTH 5

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t parked = PTHREAD_COND_INITIALIZER, released = PTHREAD_COND_INITIALIZER;
static size_t n_parked;
static bool release;
static atomic_bool ended;
static pid_t tids[N_PARKED];

static __attribute__((noinline)) unsigned park(unsigned depth)
{
    volatile unsigned result = 0;
    if (depth)
        return park(depth - 1) + result + 1;
    EXPECT(pthread_mutex_lock(&mutex) == 0);
    if (++n_parked == N_PARKED)
        EXPECT(pthread_cond_signal(&parked) == 0);
    while (!release)
        EXPECT(pthread_cond_wait(&released, &mutex) == 0);
    EXPECT(pthread_mutex_unlock(&mutex) == 0);
    return result;
}

static void *wait_at_some_depth(void *argument)
{
    uintptr_t number = (uintptr_t) argument;
    tids[number] = gettid();
    (void) park((unsigned) (number % MAX_DEPTH));
    return NULL;
}

static void *nothing(void *argument)
{
    return argument;
}

static void *come_and_go(void *argument)
{
    pthread_t thread;
    while (!atomic_load(&ended)) {
        EXPECT(pthread_create(&thread, NULL, nothing, NULL) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    return argument;
}

static void check(const struct sl_snapshot *snapshot)
{
    for (size_t i = 0; i < N_PARKED; i++) {
        const struct sl_thread *thread = sl_snapshot_find(snapshot, tids[i]);
        EXPECT(thread && thread->consistent && thread->state == 'S');
        EXPECT(thread->stack && thread->stack->complete);
        EXPECT(thread->wait.kind == SL_WAIT_CONDITION || thread->wait.kind == SL_WAIT_FUTEX);
    }
    for (size_t i = 1; i < snapshot->n_threads; i++)
        EXPECT(snapshot->threads[i - 1].id < snapshot->threads[i].id);
}

static void *take_snapshots(void *argument)
{
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_PROC};
    struct sl_snapshot *snapshot;
    struct sl_error err = {0};

    for (int i = 0; i < N_ROUNDS; i++) {
        if (sl_snapshot_take(getpid(), &opts, &snapshot, &err)) {
            (void) fprintf(stderr, "%s\n", err.text);
            EXPECT(!"a snapshot of the own process fails");
        }
        check(snapshot);
        sl_snapshot_free(snapshot);
    }
    return argument;
}

static size_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t n = 0;
    EXPECT(directory);
    while (readdir(directory))
        n++;
    (void) closedir(directory);
    return n;
}

int main(void)
{
    pthread_t threads[N_PARKED], takers[N_TAKERS], coming[N_COMING];

    for (uintptr_t i = 0; i < N_PARKED; i++)
        EXPECT(pthread_create(&threads[i], NULL, wait_at_some_depth, (void *) i) == 0);
    EXPECT(pthread_mutex_lock(&mutex) == 0);
    while (n_parked < N_PARKED)
        EXPECT(pthread_cond_wait(&parked, &mutex) == 0);
    EXPECT(pthread_mutex_unlock(&mutex) == 0);
    (void) take_snapshots(NULL); /* libunwind keeps a pipe from its first use on */
    size_t n_descriptors = count_descriptors();

    for (int i = 0; i < N_COMING; i++)
        EXPECT(pthread_create(&coming[i], NULL, come_and_go, NULL) == 0);
    for (int i = 0; i < N_TAKERS; i++)
        EXPECT(pthread_create(&takers[i], NULL, take_snapshots, NULL) == 0);
    for (int i = 0; i < N_TAKERS; i++)
        EXPECT(pthread_join(takers[i], NULL) == 0);
    atomic_store(&ended, true);
    for (int i = 0; i < N_COMING; i++)
        EXPECT(pthread_join(coming[i], NULL) == 0);
    EXPECT(count_descriptors() == n_descriptors);

    EXPECT(pthread_mutex_lock(&mutex) == 0);
    release = true;
    EXPECT(pthread_cond_broadcast(&released) == 0);
    EXPECT(pthread_mutex_unlock(&mutex) == 0);
    for (int i = 0; i < N_PARKED; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    return 0;
}
