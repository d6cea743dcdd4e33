/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checker: what became of every message of a plan.
 *
 * Each message that was tried is in exactly one of three classes, so that
 * tried = published + rejected + unknown always holds:
 *
 *     published  the bus accepted it, or it was handled whatever the bus had said: what
 *                reached the handler must have been taken
 *     rejected   the bus refused it, and it was not handled
 *     unknown    no answer, and it was not handled
 *
 * so that published - handled is what was accepted and never handled: the loss.
 * A message is handled when its handler call has ended; one that a handler hangs
 * on is not.
 *
 * Order is judged when a call begins.  A call is a violation when it is the first
 * for its message and a later message of the key had already begun, or when
 * another call of the same key has not ended.  A later repetition of a message is
 * no violation; neither is a gap.  Both facts about a key are one atomic word, so
 * that a bus that keeps order can not be accused.
 *
 * All functions may be called by any number of threads at once.
 */
#ifndef SL_LOAD_CHECKER_H
#define SL_LOAD_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/driver.h>

#include "harness/load/plan.h"
#include "harness/load/record.h"

struct sl_checker;

/* What is known of a message; bits are only ever set. */
enum {
    SL_MESSAGE_TRIED = 1,
    SL_MESSAGE_ACCEPTED = 2,
    SL_MESSAGE_REJECTED = 4,
    SL_MESSAGE_UNKNOWN = 8,
    SL_MESSAGE_ENTERED = 16,
    SL_MESSAGE_HANDLED = 32,
    SL_MESSAGE_ANSWERED = SL_MESSAGE_ACCEPTED | SL_MESSAGE_REJECTED | SL_MESSAGE_UNKNOWN,
};

/* @param plan  borrowed for the life of the checker  @return NULL when memory is short */
struct sl_checker *sl_checker_new(const struct sl_load_plan *plan);
void sl_checker_free(struct sl_checker *checker);
SL_DEFINE_AUTO(sl_checker, sl_checker_free);

/* A message is about to be published; called before its outcome and its handler can be. */
void sl_checker_try(struct sl_checker *checker, uint32_t index);

/* The bus answered.  @return false for an answer that the contract does not allow */
bool sl_checker_answer(struct sl_checker *checker, uint64_t token, enum sl_publish_outcome outcome);

/*
 * Every publish that succeeded must have its outcome by now: what was tried and has none is a
 * breach.  To be called once, when nobody publishes any more.  @return whether there are such
 */
bool sl_checker_demand_answers(struct sl_checker *checker);

/* Close has returned: an outcome that comes from now on is a breach. */
void sl_checker_closed(struct sl_checker *checker);

/* A handler call begins.  @return whether it is the first for this message */
bool sl_checker_enter(struct sl_checker *checker, uint32_t index);

/* It ended. */
void sl_checker_leave(struct sl_checker *checker, uint32_t index, bool redelivered,
                      uint64_t now_ns);

/* The bus did what it must not; the first text is kept. */
void sl_checker_breach(struct sl_checker *checker, const char *format, ...) SL_PRINTF(2, 3);

/* No more messages will be tried; sl_checker_wait needs that to have been said. */
void sl_checker_all_tried(struct sl_checker *checker);

/*
 * Wait until every message that was tried was handled, rejected or answered with
 * unknown.
 *
 * @return false when deadline_ns (CLOCK_MONOTONIC) passed before
 */
bool sl_checker_wait(struct sl_checker *checker, uint64_t deadline_ns);

/* Messages that sl_checker_wait still waits for. */
uint64_t sl_checker_open(const struct sl_checker *checker);

/* A number that grows whenever a message is settled or a handler call ends, while none is tried. */
uint64_t sl_checker_stir(const struct sl_checker *checker);

/* Is a handler call on its way? */
bool sl_checker_is_busy(const struct sl_checker *checker);

/* The states of all messages of the plan, one byte each, for a look from outside. */
const void *sl_checker_states(const struct sl_checker *checker);

void sl_checker_count(struct sl_checker *checker, struct sl_load_counts *ret_counts);

/* What is known of a message now. */
unsigned sl_checker_state(const struct sl_checker *checker, uint32_t index);

/* Count one message: published, rejected, unknown and handled. */
static inline void sl_checker_classify(unsigned state, struct sl_load_counts *counts)
{
    const unsigned published = SL_MESSAGE_ACCEPTED | SL_MESSAGE_HANDLED;

    counts->handled += (state & SL_MESSAGE_HANDLED) != 0;
    counts->published += (state & published) != 0;
    counts->rejected += (state & (published | SL_MESSAGE_REJECTED)) == SL_MESSAGE_REJECTED;
    counts->unknown += (state & SL_MESSAGE_TRIED) && !(state & (published | SL_MESSAGE_REJECTED));
}

#endif
