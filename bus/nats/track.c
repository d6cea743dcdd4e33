/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/nats/track.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define FIRST_CAPACITY 256u

enum state {
    DONE,
    IN_HAND,
    MISSING, /* later ones wait for it */
    AWAITED, /* it will come, nobody waits */
    DOUBTED  /* it may come, nobody waits */
};

void track_init(struct track *track, uint64_t next)
{
    uint32_t era = track->era;

    free(track->states);
    *track = (struct track){.base = next, .end = next, .lowest = next, .era = era + 1};
}

void track_release(struct track *track)
{
    free(track->states);
    track->states = NULL;
}

static unsigned char *state_of(const struct track *track, uint64_t sequence)
{
    return &track->states[sequence & (track->capacity - 1)];
}

static bool reserve(struct track *track, uint64_t end)
{
    size_t capacity = track->capacity ? track->capacity : FIRST_CAPACITY;

    while (capacity < end - track->base) {
        if (capacity > SIZE_MAX / 2)
            return false;
        capacity *= 2;
    }
    if (capacity == track->capacity)
        return true;
    unsigned char *states = malloc(capacity);
    if (!states)
        return false;
    for (uint64_t i = track->base; i < track->end; i++)
        states[i & (capacity - 1)] = *state_of(track, i);
    free(track->states);
    track->states = states;
    track->capacity = capacity;
    return true;
}

/* Bring the end up to `end`. */
static void extend(struct track *track, uint64_t end, enum state state)
{
    if (state == MISSING)
        track->n_missing += end - track->end;
    for (; track->end < end; track->end++)
        *state_of(track, track->end) = (unsigned char) state;
}

bool track_owe(struct track *track, uint64_t end, uint64_t n_owed)
{
    if (!reserve(track, end))
        return false;
    extend(track, end, MISSING);
    track->old_end = end;
    track->n_owed = n_owed;
    return true;
}

static bool is_known(const struct track *track, uint64_t sequence)
{
    return sequence >= track->base && sequence < track->end;
}

/* Change a state; what is done at the beginning is forgotten. */
static void set_state(struct track *track, uint64_t sequence, enum state state)
{
    unsigned char *place = state_of(track, sequence);

    track->n_missing -= *place == MISSING;
    *place = (unsigned char) state;
    while (track->base < track->end && *state_of(track, track->base) == DONE)
        track->base++;
}

/* All that an earlier consumer left has come: what else is missing of its time was done. */
static void settle_old(struct track *track)
{
    for (uint64_t i = track->base; (i = track_missing(track, i)) < track->old_end;)
        set_state(track, i, DONE);
}

static enum state read_state(const struct track *track, uint64_t sequence)
{
    return is_known(track, sequence) ? (enum state) * state_of(track, sequence) : DONE;
}

static enum track_verdict take_known(struct track *track, uint64_t sequence)
{
    enum state state = read_state(track, sequence);

    if (state == DONE)
        return TRACK_FINISHED;
    if (state == IN_HAND)
        return TRACK_IN_HAND;
    set_state(track, sequence, IN_HAND);
    if (state == MISSING && sequence < track->old_end && --track->n_owed == 0)
        settle_old(track);
    return TRACK_TAKE;
}

/* So many later ones have come that those given up never will; they would cost memory for ever. */
static void forget_doubted(struct track *track)
{
    while (track->end - track->base > TRACK_MAX_DOUBT && read_state(track, track->base) == DOUBTED)
        set_state(track, track->base, DONE);
}

/* The first of its number. */
static enum track_verdict take_new(struct track *track, uint64_t sequence)
{
    bool deleted = sequence - track->end > TRACK_MAX_GAP;

    if (deleted && track->base == track->end)
        track->base = track->end = track->lowest = sequence;
    forget_doubted(track);
    if (!reserve(track, sequence + 1))
        return TRACK_REFUSE;
    extend(track, sequence, deleted ? DONE : MISSING);
    extend(track, sequence + 1, IN_HAND);
    return TRACK_TAKE;
}

/*
 * A message that came before was not stored after all that came.  One that is missing may
 * have been, when servers whose clocks differ took turns.
 */
static bool is_of_new_stream(const struct track *track, uint64_t sequence, uint64_t stored_ns)
{
    return sequence <= track->highest && stored_ns > track->newest_ns &&
           read_state(track, sequence) != MISSING;
}

enum track_verdict track_arrive(struct track *track, uint64_t sequence, uint64_t stored_ns)
{
    if (is_of_new_stream(track, sequence, stored_ns))
        track_init(track, sequence);
    enum track_verdict verdict =
        sequence < track->end ? take_known(track, sequence) : take_new(track, sequence);
    track->highest = SL_MAX(track->highest, sequence);
    track->newest_ns = SL_MAX(track->newest_ns, stored_ns);
    return verdict;
}

static void change(struct track *track, uint64_t sequence, uint32_t era, enum state state)
{
    if (era == track->era && is_known(track, sequence))
        set_state(track, sequence, state);
}

void track_done(struct track *track, uint64_t sequence, uint32_t era)
{
    change(track, sequence, era, DONE);
}

void track_given_back(struct track *track, uint64_t sequence, uint32_t era)
{
    change(track, sequence, era, AWAITED);
}

uint64_t track_missing(struct track *track, uint64_t from)
{
    if (track->n_missing == 0)
        return TRACK_NONE;
    track->lowest = SL_MAX(track->lowest, track->base);
    while (track->lowest < track->end && *state_of(track, track->lowest) != MISSING)
        track->lowest++;
    for (uint64_t i = SL_MAX(from, track->lowest); i < track->end; i++)
        if (*state_of(track, i) == MISSING)
            return i;
    return TRACK_NONE;
}

void track_gone(struct track *track, uint64_t sequence)
{
    set_state(track, sequence, DONE);
}

void track_give_up(struct track *track, uint64_t sequence)
{
    set_state(track, sequence, DOUBTED);
}
