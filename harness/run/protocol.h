/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What subject and observer say to each other, over a pair of pipes.
 *
 * Both ends are the same executable, so records are plain structs: a header,
 * then `size` bytes.  The subject announces a phase and waits for SL_GO before it
 * goes on; nothing else synchronises the two.
 *
 *     observer -> subject   SL_RECORD_CONFIG once, then SL_RECORD_GO after each phase
 *     subject -> observer   SL_RECORD_PHASE start, open, loaded, closing, closed,
 *                           torn_down, in this order, open to closed once for each cycle;
 *                           SL_RECORD_DRIVER once, after the GO of
 *                           `start` and before the driver opens anything; SL_RECORD_FAILURE
 *                           when a step failed (the subject then goes on to `closing` if a bus
 *                           was opened, and to `torn_down` else)
 *
 * A subject whose load is shared with other processes (struct sl_load_share) says more:
 *
 *     subject -> observer   SL_RECORD_TALLY, a packed tally (tally.h), before `loaded` and before
 *                           `closed`
 *     observer -> subject   SL_RECORD_OUTCOMES to a consumer, after the GO of `open`, when all
 *                           was published: packed states (tally.h) of all events
 *
 * A subject whose job is to purge says nothing but a failure; one whose job is to declare says
 * SL_RECORD_DECLARATION (declaration.h) or a failure.
 *
 * `closing` is announced before Close is called and needs a GO like the others.  What the observer
 * takes of all this, and when, is in dialogue.h.
 * A failure of Close is told before `closed` or, when it showed only later, before `torn_down`, one
 * of the teardown before `torn_down`; these phases then come all the same.  A cycle that failed,
 * lost messages or put them out of order is the last.  Both ends run with SIGPIPE ignored.
 */
#ifndef SL_RUN_PROTOCOL_H
#define SL_RUN_PROTOCOL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <strandline/driver.h>
#include <strandline/error.h>

#include "harness/load/record.h"
#include "scenarios/scenario.h"

enum sl_phase {
    SL_PHASE_START,
    SL_PHASE_OPEN,
    SL_PHASE_LOADED,
    SL_PHASE_CLOSING,
    SL_PHASE_CLOSED,
    SL_PHASE_TORN_DOWN,
    SL_N_PHASES
};

enum sl_record_type {
    SL_RECORD_CONFIG = 1,
    SL_RECORD_GO,
    SL_RECORD_DRIVER,
    SL_RECORD_PHASE,
    SL_RECORD_FAILURE,
    SL_RECORD_OUTCOMES,
    SL_RECORD_TALLY,
    SL_RECORD_DECLARATION,
    SL_N_RECORD_TYPES
};

struct sl_record_header {
    uint32_t magic; /* SL_RECORD_MAGIC */
    uint32_t type;
    uint64_t size; /* of what follows */
};
#define SL_RECORD_MAGIC 0x534c5231u

enum sl_subject_job {
    SL_JOB_PLAY,
    SL_JOB_PURGE,  /* the driver's purge */
    SL_JOB_DECLARE /* load the driver and say what it has */
};

/* Names on a broker begin with this, the random number of a run as 16 hexadecimal digits, '_', the
   number of the trial, '_'. */
#define SL_PREFIX "strandline_"

#define SL_ARGS_MAX 64 /* --driver-arg of one run */

/* SL_RECORD_CONFIG: everything a subject needs for one trial. */
struct sl_subject_config {
    struct sl_scenario_load load; /* the whole of it, with the publishers of all processes */
    struct sl_load_share share;
    struct sl_pool_settings pool;
    enum sl_mode mode;
    uint32_t replicas;
    uint32_t cycles; /* how often the bus is opened and closed; 0: once */
    enum sl_subject_job job;
    bool control; /* use the driver that plants a known leak; see control.h */
    char transport[SL_NAME_MAX];
    char servers[4096];       /* "" none */
    struct sl_subject_files { /* what struct sl_credentials has; "" none */
        char creds[PATH_MAX], tls_ca[PATH_MAX], tls_cert[PATH_MAX], tls_key[PATH_MAX];
    } files;
    char fault[256];            /* "" none */
    char prefix[SL_NAME_MAX];   /* of broker names, unique per trial */
    char driver_path[PATH_MAX]; /* "" the built-in one */
    char args[4096];            /* for the driver: texts one behind the other, "" ends the list */
    uint64_t seed;
};

/* Name the servers, and what a client of theirs needs.  SL_EINVAL: a text is too long. */
SL_CHECKED enum sl_status
sl_subject_config_aim(struct sl_subject_config *config, const char *servers,
                      const struct sl_credentials *credentials, struct sl_error *err);

/*
 * SL_RECORD_DRIVER: what the observer has to know of the driver, copied out of its
 * table so that foreign code is loaded into subjects only.
 */
#define SL_DRIVER_MODULES   8
#define SL_DRIVER_WITNESSES 8
struct sl_driver_record {
    char name[SL_NAME_MAX], version[SL_NAME_MAX];
    char library_modules[SL_DRIVER_MODULES][SL_NAME_MAX]; /* "" ends the list early */
    struct {
        char module[SL_NAME_MAX], function[SL_NAME_MAX]; /* "": any */
        char text[SL_NAME_MAX * 2];                      /* "" ends the list early */
        uint8_t socket;
    } witnesses[SL_DRIVER_WITNESSES];
};

/* SL_RECORD_PHASE.  Fields are cumulative; each is valid from the phase named on. */
struct sl_phase_record {
    enum sl_phase phase;
    uint64_t at_ns; /* CLOCK_MONOTONIC when the phase was reached */

    /* open */
    uint64_t open_ns; /* how long open and subscribe took */

    /* loaded, but for load.states_at, which is valid from `open` on */
    struct sl_load_record load;
    uint32_t bus_threads; /* the driver's own count */

    /* closed; load is refreshed, since Close drains */
    uint8_t close_ok, close_timed_out;
    uint64_t close_ns;
    uint32_t threads_abandoned;
    uint64_t messages_abandoned;
    char close_detail[256];
};

/* SL_RECORD_FAILURE */
struct sl_failure_record {
    enum sl_phase phase; /* that was being worked towards */
    uint32_t step;       /* enum sl_step (desk.h) that failed; 0: not known */
    enum sl_status status;
    char text[320];
};

const char *sl_phase_text(enum sl_phase phase); /* "start" ... "torn_down" */

/* Write one record.  Restarts after signals.  SL_EGONE when the other end is closed. */
SL_CHECKED enum sl_status sl_record_write(int fd, enum sl_record_type type, const void *data,
                                          size_t size, struct sl_error *err);

/* A record that was read: `size` bytes of a type, in room for `capacity` bytes. */
struct sl_record {
    void *data;
    size_t capacity;
    enum sl_record_type type;
    size_t size;
};

/*
 * Room, from malloc, for any record of a fixed size, and for a tally of so many bytes.
 *
 * @return false when memory is short
 */
bool sl_record_make_room(struct sl_record *record, size_t largest_tally);

/* Is it of this type, and of the size that one has? */
static inline bool
sl_record_is(const struct sl_record *record, enum sl_record_type type, size_t size)
{
    return record->type == type && record->size == size;
}

/*
 * Read one record.
 *
 * @param deadline_ns  CLOCK_MONOTONIC; UINT64_MAX waits for ever
 * @return SL_EGONE end of file; SL_ETIMEDOUT; SL_EPROTO wrong magic, or no room for so much
 */
SL_CHECKED enum sl_status
sl_record_read(int fd, uint64_t deadline_ns, struct sl_record *record, struct sl_error *err);

#endif
