/* SPDX-License-Identifier: Apache-2.0 */
/* One object with every primitive that a thread may wait on, and the one that it is used for. */
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "planted.h"

#define AN_HOUR_S 3600

static void *lock_and_end(void *argument)
{
    struct object *object = argument;

    if (object->way == WAY_MUTEX)
        (void) pthread_mutex_lock(&object->mutex);
    else if (object->way == WAY_READ)
        (void) pthread_rwlock_wrlock(&object->rwlock);
    else
        (void) pthread_rwlock_rdlock(&object->rwlock);
    return NULL;
}

void object_init(struct object *object, enum way way)
{
    pthread_t thread;

    object->way = way;
    (void) pthread_mutex_init(&object->mutex, NULL);
    (void) pthread_cond_init(&object->condition, NULL);
    (void) sem_init(&object->semaphore, 0, 0);
    (void) pthread_rwlock_init(&object->rwlock, NULL);
    (void) pthread_barrier_init(&object->barrier, NULL, way == WAY_TWO_LOCKS ? 2 : 1000);
    if (way != WAY_MUTEX && way != WAY_READ && way != WAY_WRITE)
        return;
    if (pthread_create(&thread, NULL, lock_and_end, object) || pthread_join(thread, NULL))
        abort();
}

struct object *object_new(enum way way)
{
    struct object *object = calloc(1, sizeof *object);
    if (!object)
        abort();
    object_init(object, way);
    return object;
}

static struct timespec in_an_hour(void)
{
    struct timespec when;
    (void) clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += AN_HOUR_S;
    return when;
}

static void wait_on_condition(struct object *object)
{
    struct timespec end = in_an_hour();

    (void) pthread_mutex_lock(&object->mutex);
    while (!object->go)
        if (object->way == WAY_CONDITION)
            (void) pthread_cond_wait(&object->condition, &object->mutex);
        else
            (void) pthread_cond_timedwait(&object->condition, &object->mutex, &end);
    (void) pthread_mutex_unlock(&object->mutex);
}

static void wait_on_semaphore(struct object *object)
{
    struct timespec end = in_an_hour();
    while (object->way == WAY_SEMAPHORE ? sem_wait(&object->semaphore)
                                        : sem_timedwait(&object->semaphore, &end))
        continue;
}

static void wait_on_futex(struct object *object)
{
    while (!__atomic_load_n(&object->go, __ATOMIC_SEQ_CST))
        (void) syscall(SYS_futex, &object->go, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

DO_NOT_INLINE void object_wait(struct object *object)
{
    switch (object->way) {
    case WAY_CONDITION:
    case WAY_TIMED_CONDITION:
        wait_on_condition(object);
        break;
    case WAY_SEMAPHORE:
    case WAY_TIMED_SEMAPHORE:
        wait_on_semaphore(object);
        break;
    case WAY_FUTEX:
        wait_on_futex(object);
        break;
    case WAY_TWO_LOCKS:
    case WAY_BARRIER:
        (void) pthread_barrier_wait(&object->barrier);
        break;
    case WAY_MUTEX:
        (void) pthread_mutex_lock(&object->mutex);
        break;
    case WAY_READ:
        (void) pthread_rwlock_rdlock(&object->rwlock);
        break;
    case WAY_WRITE:
        (void) pthread_rwlock_wrlock(&object->rwlock);
        break;
    }
}

void object_wake(struct object *object)
{
    (void) pthread_mutex_lock(&object->mutex);
    object->go = 1;
    (void) pthread_cond_broadcast(&object->condition);
    (void) pthread_mutex_unlock(&object->mutex);
    for (int i = 0; i < N_EACH; i++)
        (void) sem_post(&object->semaphore);
    (void) syscall(SYS_futex, &object->go, FUTEX_WAKE_PRIVATE, 1000, NULL, NULL, 0);
}
