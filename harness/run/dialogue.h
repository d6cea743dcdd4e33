/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject may say, and when: the observer's side of the protocol as a machine of states.
 *
 * A subject holds foreign code, which can write into its pipe.  A record counts only when it comes
 * in its turn, once, has its size, is made of texts that end and of values that exist, and claims
 * neither a time in which the subject was not at work nor more messages than there are.  All else
 * is SL_EPROTO and says what was wrong.
 */
#ifndef SL_RUN_DIALOGUE_H
#define SL_RUN_DIALOGUE_H

#include <stdbool.h>

#include "harness/run/protocol.h"

struct sl_dialogue {
    int phase;            /* enum sl_phase told last; -1 before `start` */
    bool answered;        /* it got its GO */
    bool shared;          /* the load is shared with other processes: tallies are told */
    uint32_t events;      /* of the load */
    uint32_t cycles_left; /* that may begin once the bus is closed */
    uint64_t go_ns;       /* when the subject was allowed to go on */
    unsigned n_drivers, n_failures, n_tallies; /* in this phase */
};

/* The subject is about to be sent this. */
void sl_dialogue_begin(struct sl_dialogue *dialogue, const struct sl_subject_config *config);

/* A record came, just now.  Passwords in its texts are hidden. */
SL_CHECKED enum sl_status
sl_dialogue_take(struct sl_dialogue *dialogue, struct sl_record *record, struct sl_error *err);

/* The subject is about to be sent its GO.  fd: where its records come from; nothing may be there.
 */
SL_CHECKED enum sl_status
sl_dialogue_go(struct sl_dialogue *dialogue, int fd, struct sl_error *err);

/* Nothing may have come after the last phase.  The subject has ended. */
SL_CHECKED enum sl_status sl_dialogue_end(int fd, struct sl_error *err);

/* Are texts and values of this failure what they can be?  For subjects with another job. */
bool sl_failure_is_sound(struct sl_failure_record *failure);

#endif
