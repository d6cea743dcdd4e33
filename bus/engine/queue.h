/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue: bounded, of deliveries, from any number of threads to one.
 *
 * Storage grows as it is used, so that thousands of queues of a thousand places
 * cost nothing while they are empty.
 */
#ifndef BUS_ENGINE_QUEUE_H
#define BUS_ENGINE_QUEUE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/engine/delivery.h"

enum queue_state {
    QUEUE_OPEN,
    QUEUE_ENDING, /* takes nothing; pop returns the rest */
    QUEUE_ABORTED /* takes nothing; pop returns nothing */
};

struct queue {
    pthread_mutex_t mutex; /* innermost; held for copying only */
    pthread_cond_t not_full;
    sem_t wake;            /* posted once by whoever clears popper_waits */
    struct delivery *ring; /* `size` places, grown up to `capacity` */
    uint32_t size, capacity;
    uint32_t head, count;
    bool popper_waits;
    bool pusher_waits;
    enum queue_state state;
};

void queue_init(struct queue *queue, uint32_t capacity);
void queue_release(struct queue *queue);

/*
 * Append as many of the n deliveries as there is room for, in order.
 *
 * @return how many; fewer than n when the queue is full, ended, or memory is short
 */
size_t queue_push(struct queue *queue, const struct delivery *const *deliveries, size_t n);

/* Wait until there is room.  @return false at until_ns or when the queue takes nothing any more */
bool queue_wait_room(struct queue *queue, uint64_t until_ns);

/**
 * Take up to max deliveries, waiting for the first.
 *
 * @param max        0: only wait for until_ns or a change of state
 * @param until_ns   CLOCK_MONOTONIC or SYNC_FOREVER
 * @param ret_state  when it is not QUEUE_OPEN and nothing was returned, nothing will come
 * @return how many
 */
size_t queue_pop(struct queue *queue, struct delivery *ret_deliveries, size_t max,
                 uint64_t until_ns, enum queue_state *ret_state);

/* Change to a later state, which who waits for room sees at once.  An earlier one changes nothing.
 */
void queue_set_state(struct queue *queue, enum queue_state state);

/* Let who waits in queue_pop look at the state.  @return whether somebody waited */
bool queue_wake(struct queue *queue);

/* Take up to max deliveries whatever the state, without waiting. */
size_t queue_take(struct queue *queue, struct delivery *ret_deliveries, size_t max);

#endif
