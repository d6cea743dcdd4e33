/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Track: what a subscription knows of each message of its stream, by sequence number.
 *
 * A broker redelivers what was handled when the acknowledgement was lost, and what is still
 * in hand when it forgot that it had delivered it.  It delivers into a connection that has
 * just died, and goes on behind the gap.  With the track the first two are recognised, and
 * the messages behind a gap can wait until it is filled.
 *
 * Sequences below `base` are done.  A byte is kept for each from there on.
 */
#ifndef BUS_NATS_TRACK_H
#define BUS_NATS_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A wider gap is no loss on the way: the broker deleted what was there. */
#define TRACK_MAX_GAP 65536u

/* How many sequences are kept for the sake of one that was given up. */
#define TRACK_MAX_DOUBT (1u << 20)

#define TRACK_NONE UINT64_MAX

struct track {
    unsigned char *states; /* of [base, end), sequence modulo the capacity */
    size_t capacity;       /* a power of two, or 0 */
    uint64_t base, end;
    uint64_t n_missing;
    uint64_t lowest;    /* none below it is missing */
    uint64_t highest;   /* sequence that has come; 0 none */
    uint64_t newest_ns; /* latest time at which one that came was stored */
    uint64_t old_end;   /* sequences below it may belong to an earlier consumer */
    uint64_t n_owed;    /* of these, how many the broker still has to deliver */
    uint32_t era;       /* counts the streams that had this name */
};

enum track_verdict {
    TRACK_TAKE,     /* it is in hand now */
    TRACK_IN_HAND,  /* another copy is */
    TRACK_FINISHED, /* it was done before: to be acknowledged once more */
    TRACK_REFUSE    /* memory is short; it comes again */
};

/* Everything below `next` is done, or nobody's concern.  Zeroed memory is a track with next 0. */
void track_init(struct track *track, uint64_t next);
void track_release(struct track *track);

/*
 * An earlier consumer has left n_owed messages of [track->end, end) unacknowledged; which
 * ones is not known.  All count as missing until so many have come.
 *
 * @return false when memory is short
 */
bool track_owe(struct track *track, uint64_t end, uint64_t n_owed);

/*
 * A message came.
 *
 * One whose number came before but that was stored after all that came belongs to a new
 * stream of the same name: the track begins anew.
 *
 * @param stored_ns  when the broker stored it, by the broker's clock
 */
enum track_verdict track_arrive(struct track *track, uint64_t sequence, uint64_t stored_ns);

/* What became of a message in hand; `era` is the track's when it was taken. */
void track_done(struct track *track, uint64_t sequence, uint32_t era);
void track_given_back(struct track *track, uint64_t sequence, uint32_t era);

/* The first missing sequence at or after `from`, or TRACK_NONE. */
uint64_t track_missing(struct track *track, uint64_t from);

/* Stop waiting for a missing message: it is gone, or it is taken whenever it comes. */
void track_gone(struct track *track, uint64_t sequence);
void track_give_up(struct track *track, uint64_t sequence);

#endif
