/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/sync.h"

#define FIRST_SIZE 8u

void queue_init(struct queue *queue, uint32_t capacity)
{
    *queue = (struct queue){.capacity = capacity};
    sync_mutex_init(&queue->mutex);
    sync_cond_init(&queue->not_full);
    (void) sem_init(&queue->wake, 0, 0);
}

void queue_release(struct queue *queue)
{
    free(queue->ring);
    (void) sem_destroy(&queue->wake);
    sync_cond_release(&queue->not_full);
    sync_mutex_release(&queue->mutex);
}

/* Copy `n` places from `head` on, which may wrap around, to a flat array. */
static void copy_out(const struct queue *queue, struct delivery *ret_deliveries, size_t n)
{
    size_t until_wrap = SL_MIN(n, (size_t) (queue->size - queue->head));
    memcpy(ret_deliveries, queue->ring + queue->head, until_wrap * sizeof *ret_deliveries);
    memcpy(ret_deliveries + until_wrap, queue->ring, (n - until_wrap) * sizeof *ret_deliveries);
}

/* Make the ring larger, up to `need` places or the capacity.  Short memory leaves it as it is. */
static void grow(struct queue *queue, size_t need)
{
    size_t size = queue->size ? queue->size : FIRST_SIZE;
    while (size < need)
        size *= 2;
    size = SL_MIN(size, (size_t) queue->capacity);
    if (size <= queue->size)
        return;
    struct delivery *ring = malloc(size * sizeof *ring);
    if (!ring)
        return;
    if (queue->count)
        copy_out(queue, ring, queue->count);
    free(queue->ring);
    queue->ring = ring;
    queue->size = (uint32_t) size;
    queue->head = 0;
}

size_t queue_push(struct queue *queue, const struct delivery *const *deliveries, size_t n)
{
    sync_lock(&queue->mutex);
    if (queue->state != QUEUE_OPEN) {
        sync_unlock(&queue->mutex);
        return 0;
    }
    if (queue->count + n > queue->size)
        grow(queue, queue->count + n);
    size_t n_pushed = SL_MIN(n, (size_t) (queue->size - queue->count));
    size_t place = queue->head + queue->count;
    for (size_t i = 0; i < n_pushed; i++, place++)
        queue->ring[place < queue->size ? place : place - queue->size] = *deliveries[i];
    queue->count += (uint32_t) n_pushed;
    bool wake = queue->popper_waits && n_pushed > 0;
    if (wake)
        queue->popper_waits = false;
    sync_unlock(&queue->mutex);
    if (wake)
        (void) sem_post(&queue->wake);
    return n_pushed;
}

bool queue_wait_room(struct queue *queue, uint64_t until_ns)
{
    bool in_time = true;
    sync_lock(&queue->mutex);
    while (queue->count >= queue->capacity && queue->state == QUEUE_OPEN && in_time) {
        queue->pusher_waits = true;
        in_time = sync_wait_until(&queue->not_full, &queue->mutex, until_ns);
    }
    bool room = queue->count < queue->capacity && queue->state == QUEUE_OPEN;
    sync_unlock(&queue->mutex);
    return room;
}

/* With the mutex held. */
static size_t take(struct queue *queue, struct delivery *ret_deliveries, size_t max)
{
    size_t n = SL_MIN(max, (size_t) queue->count);
    if (n == 0)
        return 0;
    copy_out(queue, ret_deliveries, n);
    size_t head = queue->head + n;
    queue->head = (uint32_t) (head < queue->size ? head : head - queue->size);
    queue->count -= (uint32_t) n;
    return n;
}

/*
 * With the mutex held: wait for a push, a change of state, or the time.  A semaphore,
 * because a thread that comes back from a condition leaves the mutex marked as
 * contended: its next unlock would search all parked threads of the process for one
 * to wake.
 *
 * @return false when until_ns has passed
 */
static bool park(struct queue *queue, uint64_t until_ns)
{
    queue->popper_waits = true;
    sync_unlock(&queue->mutex);
    bool in_time = sync_semaphore_wait_until(&queue->wake, until_ns);
    sync_lock(&queue->mutex);
    return in_time;
}

size_t queue_pop(struct queue *queue, struct delivery *ret_deliveries, size_t max,
                 uint64_t until_ns, enum queue_state *ret_state)
{
    bool in_time = true;
    sync_lock(&queue->mutex);
    while ((queue->count == 0 || max == 0) && queue->state == QUEUE_OPEN && in_time)
        in_time = park(queue, until_ns);
    queue->popper_waits = false;
    size_t n = queue->state == QUEUE_ABORTED ? 0 : take(queue, ret_deliveries, max);
    *ret_state = queue->state;
    bool wake = queue->pusher_waits && n > 0;
    queue->pusher_waits = queue->pusher_waits && !wake;
    sync_unlock(&queue->mutex);
    if (wake)
        sync_broadcast(&queue->not_full);
    return n;
}

void queue_set_state(struct queue *queue, enum queue_state state)
{
    sync_lock(&queue->mutex);
    queue->state = SL_MAX(queue->state, state);
    sync_unlock(&queue->mutex);
    sync_broadcast(&queue->not_full);
}

bool queue_wake(struct queue *queue)
{
    sync_lock(&queue->mutex);
    bool wake = queue->popper_waits;
    queue->popper_waits = false;
    sync_unlock(&queue->mutex);
    if (wake)
        (void) sem_post(&queue->wake);
    return wake;
}

size_t queue_take(struct queue *queue, struct delivery *ret_deliveries, size_t max)
{
    sync_lock(&queue->mutex);
    size_t n = take(queue, ret_deliveries, max);
    sync_unlock(&queue->mutex);
    return n;
}
