/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gate: counts the callers inside, lets nobody in once closed, and tells when the
 * last one has left.  Entering and leaving an open gate takes one atomic step each.
 */
#ifndef BUS_THREAD_GATE_H
#define BUS_THREAD_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    atomic_uint word; /* GATE_CLOSED and the number of callers inside */
    pthread_mutex_t mutex;
    pthread_cond_t left;
};

void gate_init(struct gate *gate);
void gate_release(struct gate *gate);

/* @return false when the gate is closed; the caller is then not inside */
bool gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

/* Let nobody in any more.  Does not wait. */
void gate_close(struct gate *gate);

/* After gate_close: wait until nobody is inside.  @return false when deadline_ns passed first */
bool gate_wait_empty(struct gate *gate, uint64_t deadline_ns);

#endif
