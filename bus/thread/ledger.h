/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ledger: every thread a bus makes, from its creation until it is joined.
 *
 * Nothing else in bus/ calls pthread_create or pthread_join, except for threads that
 * leak on purpose (bus/fault/thread.h).  A thread's record is part of whatever it serves (a
 * worker, a topic, a transport) and has to outlive it, so what holds a record may be
 * freed only when the thread was joined.
 */
#ifndef BUS_THREAD_LEDGER_H
#define BUS_THREAD_LEDGER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"

struct ledger;

struct thread {
    struct ledger *ledger; /* NULL: not started, or joined */
    struct thread *next, *previous;
    pthread_t handle;
    char name[16];
    void (*run)(void *argument);
    void *argument;
    void *stack;          /* set by the owner before the start; NULL: the C library makes one */
    atomic_bool finished; /* run returned */
    atomic_bool awaited;  /* somebody waits for finished */
};

struct ledger {
    pthread_mutex_t mutex; /* guards everything below; innermost lock */
    pthread_cond_t finished;
    struct thread *threads;
    atomic_uint n_threads; /* read without the mutex too */
    const void *owner;     /* of the scope every thread runs in */
    uint32_t n_planned;    /* threads the owner will have in all, for error texts */
    size_t stack_size;     /* of every thread, whole pages */
};

void ledger_init(struct ledger *ledger, const void *owner, uint32_t n_planned, uint64_t stack_size);
void ledger_release(struct ledger *ledger);

/**
 * Start a thread; `thread` is zeroed but for its stack, or joined before.
 *
 * @return SL_ELIMIT the system allows no further thread; the text says how many there are
 */
SL_CHECKED enum sl_status
ledger_start(struct ledger *ledger, struct thread *thread, void (*run)(void *argument),
             void *argument, struct sl_error *err, const char *format, ...) SL_PRINTF(6, 7);

/*
 * Wait until the thread has ended and join it.  A thread that was never started, or
 * was joined, counts as joined.  One caller per thread at a time.
 *
 * @return false when deadline_ns (CLOCK_MONOTONIC) passed first; the thread stays in the ledger
 */
bool ledger_join(struct thread *thread, uint64_t deadline_ns);

/* Threads not joined. */
uint32_t ledger_count(const struct ledger *ledger);

#endif
