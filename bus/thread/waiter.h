/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiter: somebody who waits for the outcomes of publishes.
 *
 * It is shared by the one who waits and the publishes that have no outcome yet, so that
 * an outcome may come after the wait was given up.
 */
#ifndef BUS_THREAD_WAITER_H
#define BUS_THREAD_WAITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/driver.h>

struct waiter;

/* Whom to tell the outcome of a publish. */
struct ticket {
    uint64_t token;        /* with a waiter: number of the publish among those it waits for */
    struct waiter *waiter; /* NULL: the callback and the results of the bus */
};

/* For n publishes.  @return NULL when memory is short */
struct waiter *waiter_new(size_t n);
/* By the one who waits, when it waits no longer. */
void waiter_free(struct waiter *waiter);

/* For one publish, to which waiter_tell belongs. */
struct ticket waiter_issue(struct waiter *waiter, size_t number);
void waiter_tell(struct ticket ticket, enum sl_publish_outcome outcome);

/* Wait until every issued ticket was told.  @return false when deadline_ns passed first */
bool waiter_wait(struct waiter *waiter, uint64_t deadline_ns);

/* Of a publish; SL_PUBLISH_UNKNOWN until it was told. */
enum sl_publish_outcome waiter_outcome(struct waiter *waiter, size_t number);

#endif
