/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tally: what became of every message, in memory shared by the processes of a scenario, so
 * that it outlives whichever of them is killed.
 *
 * A key's messages carry 1, 2, 3...  A handler call is a violation of order when it is the
 * first for its message and a later one of its key had begun, or when another call of its key
 * has not ended.  A call for a message that was handled before is a repetition: within one
 * consumer process it has no excuse, over two of them it is what at-least-once means.
 */
#ifndef RELIABILITY_TALLY_H
#define RELIABILITY_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <strandline/driver.h>

#define TALLY_KEYS     32u
#define TALLY_MESSAGES 16384u /* per key */

struct tally {
    /* Orders to the processes. */
    atomic_bool stop_publishing, stop_consuming;
    atomic_uint ready;      /* processes that have opened their bus */
    atomic_uint generation; /* of the consumer process; 1, 2... */

    atomic_uint next[TALLY_KEYS];    /* number of the last message tried */
    atomic_uint highest[TALLY_KEYS]; /* number of the latest message a call began for */
    atomic_uint inside[TALLY_KEYS];  /* calls that have not ended */
    /* Flags, and the consumer's generation that handled it first. */
    _Atomic unsigned char flags[TALLY_KEYS][TALLY_MESSAGES];
    _Atomic unsigned char handler[TALLY_KEYS][TALLY_MESSAGES];

    atomic_uint violations, overlaps, foreign;
    atomic_uint repeated_within, repeated_over; /* by the same consumer process, by a later one */
    atomic_uint publish_failures;
    char failure[400]; /* what a process could not do */
};

struct tally_counts {
    uint64_t tried, accepted, rejected, unknown, open; /* open: without an outcome */
    uint64_t handled, lost;                            /* lost: accepted and not handled */
};

/* Shared with processes forked later.  @return NULL when memory is short */
struct tally *tally_new(void);
void tally_free(struct tally *tally);

/* Before a publish.  @return the number of the key's next message, 0 when there is no room */
uint32_t tally_try(struct tally *tally, uint32_t key);
void tally_answer(struct tally *tally, uint32_t key, uint32_t number,
                  enum sl_publish_outcome outcome);
/* A handler call begins, and ends with success. */
void tally_enter(struct tally *tally, uint32_t key, uint32_t number);
void tally_leave(struct tally *tally, uint32_t key, uint32_t number);

/* A new consumer process begins; calls of the one before it are over. */
void tally_begin_consumer(struct tally *tally);

void tally_count(const struct tally *tally, struct tally_counts *ret_counts);

#endif
