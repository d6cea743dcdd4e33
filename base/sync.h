/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutexes and conditions with CLOCK_MONOTONIC deadlines.
 *
 * The calls below cannot fail when used as here (default mutexes, never destroyed
 * while in use), so they return nothing.
 */
#ifndef SL_BASE_SYNC_H
#define SL_BASE_SYNC_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define SYNC_FOREVER UINT64_MAX

/* CLOCK_MONOTONIC in so many nanoseconds, SYNC_FOREVER when that is beyond the clock. */
static inline uint64_t sync_deadline(uint64_t duration_ns)
{
    uint64_t now_ns = sl_clock_now_ns();
    return duration_ns > UINT64_MAX - now_ns ? SYNC_FOREVER : now_ns + duration_ns;
}

static inline void sync_mutex_init(pthread_mutex_t *mutex)
{
    (void) pthread_mutex_init(mutex, NULL);
}

static inline void sync_mutex_release(pthread_mutex_t *mutex)
{
    (void) pthread_mutex_destroy(mutex);
}

static inline void sync_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(cond, &attributes);
    (void) pthread_condattr_destroy(&attributes);
}

static inline void sync_cond_release(pthread_cond_t *cond)
{
    (void) pthread_cond_destroy(cond);
}

static inline void sync_lock(pthread_mutex_t *mutex)
{
    (void) pthread_mutex_lock(mutex);
}

static inline void sync_unlock(pthread_mutex_t *mutex)
{
    (void) pthread_mutex_unlock(mutex);
}

static inline void sync_signal(pthread_cond_t *cond)
{
    (void) pthread_cond_signal(cond);
}

static inline void sync_broadcast(pthread_cond_t *cond)
{
    (void) pthread_cond_broadcast(cond);
}

/* @return false when deadline_ns (CLOCK_MONOTONIC, or SYNC_FOREVER) has passed */
static inline bool
sync_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    if (deadline_ns == SYNC_FOREVER)
        return pthread_cond_wait(cond, mutex) == 0;
    struct timespec until = sl_clock_to_timespec(deadline_ns);
    return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
}

/* @return false when deadline_ns (CLOCK_MONOTONIC, or SYNC_FOREVER) has passed */
static inline bool sync_semaphore_wait_until(sem_t *semaphore, uint64_t deadline_ns)
{
    struct timespec until = sl_clock_to_timespec(deadline_ns);
    int failed;
    do {
        failed = deadline_ns == SYNC_FOREVER ? sem_wait(semaphore)
                                             : sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
    } while (failed && errno == EINTR);
    return !failed;
}

#endif
