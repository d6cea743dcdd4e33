/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/waiter.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/sync.h"

struct waiter {
    pthread_mutex_t mutex; /* guards everything below; taken alone */
    pthread_cond_t told;
    size_t n_issued; /* and not told */
    bool abandoned;  /* the last outcome frees the waiter */
    enum sl_publish_outcome outcomes[];
};

struct waiter *waiter_new(size_t n)
{
    struct waiter *waiter = NULL;
    size_t size;

    if (!__builtin_mul_overflow(n, sizeof *waiter->outcomes, &size) &&
        !__builtin_add_overflow(size, sizeof *waiter, &size))
        waiter = malloc(size);
    if (!waiter)
        return NULL;
    waiter->n_issued = 0;
    waiter->abandoned = false;
    for (size_t i = 0; i < n; i++)
        waiter->outcomes[i] = SL_PUBLISH_UNKNOWN;
    sync_mutex_init(&waiter->mutex);
    sync_cond_init(&waiter->told);
    return waiter;
}

static void release(struct waiter *waiter)
{
    sync_cond_release(&waiter->told);
    sync_mutex_release(&waiter->mutex);
    free(waiter);
}

void waiter_free(struct waiter *waiter)
{
    sync_lock(&waiter->mutex);
    waiter->abandoned = true;
    bool last = waiter->n_issued == 0;
    sync_unlock(&waiter->mutex);
    if (last)
        release(waiter);
}

struct ticket waiter_issue(struct waiter *waiter, size_t number)
{
    sync_lock(&waiter->mutex);
    waiter->n_issued++;
    sync_unlock(&waiter->mutex);
    return (struct ticket){.token = number, .waiter = waiter};
}

/* The signal is given with the mutex held: who is woken may free the waiter. */
void waiter_tell(struct ticket ticket, enum sl_publish_outcome outcome)
{
    struct waiter *waiter = ticket.waiter;

    sync_lock(&waiter->mutex);
    waiter->outcomes[ticket.token] = outcome;
    waiter->n_issued--;
    bool last = waiter->n_issued == 0 && waiter->abandoned;
    if (waiter->n_issued == 0)
        sync_signal(&waiter->told);
    sync_unlock(&waiter->mutex);
    if (last)
        release(waiter);
}

bool waiter_wait(struct waiter *waiter, uint64_t deadline_ns)
{
    bool in_time = true;
    sync_lock(&waiter->mutex);
    while (waiter->n_issued > 0 && in_time)
        in_time = sync_wait_until(&waiter->told, &waiter->mutex, deadline_ns);
    bool done = waiter->n_issued == 0;
    sync_unlock(&waiter->mutex);
    return done;
}

enum sl_publish_outcome waiter_outcome(struct waiter *waiter, size_t number)
{
    sync_lock(&waiter->mutex);
    enum sl_publish_outcome outcome = waiter->outcomes[number];
    sync_unlock(&waiter->mutex);
    return outcome;
}
