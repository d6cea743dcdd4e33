/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations: which threads a piece of work leaves behind, and why.
 *
 *     begin   look at the process before the work: what is there is none of it
 *     mark    look at it meanwhile, as often as wanted
 *     settle  the work is over: wait until threads on their way out have ended
 *     end     find what stayed, grouped and explained
 *
 * Of another process, from outside, or of the own one.  Nothing has to be changed in it.
 */
#ifndef STRANDLINE_OBSERVE_H
#define STRANDLINE_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sl_snapshot;    /* snapshot.h */
struct sl_leak_report; /* leak.h */

struct sl_observation; /* one thread at a time */

/* A thread that has to end with the work: as long as one lives, the work did not really end. */
struct sl_leak_witness {
    const char *module;   /* start of the file name of the module that it entered, or NULL */
    const char *function; /* on its stack, or NULL */
    bool socket;          /* only while it waits on a socket */
    const char *text;     /* what it is, for people */
};

/* What the sentences call things in the caller's world.  Whatever is NULL has a neutral word. */
struct sl_leak_words {
    size_t size;             /* sizeof(struct sl_leak_words) of the caller */
    const char *end;         /* what has to leave no thread: "Close"; "the end mark" */
    const char *not_reached; /* "Close was never called" */
    const char *left;        /* "Close left what it has to end" */
    const char *not_ours;    /* whose threads are not counted: "of the process, not of the bus" */
    const char *strict;      /* the option that counts these; NULL: none is named */
    const char *no_teardown; /* "teardown was not reached" */
};

struct sl_observation_opts {
    size_t size;        /* sizeof(struct sl_observation_opts) of the caller */
    uint64_t settle_ns; /* longest wait for threads on their way out; 0: 2 s */
    int wake_fd;        /* when it becomes readable, waiting ends; 0 or less: none */
    bool strict;        /* count the threads that libraries keep for all of the process, too */
    /*
     * Starts of file names of libraries that may keep threads until they are shut down, ended by
     * NULL; and the witnesses, ended by one without a text.  Or NULL.
     */
    const char *const *library_modules;
    const struct sl_leak_witness *witnesses;
    const struct sl_leak_words *words; /* NULL: neutral ones */
    bool prove; /* say of what stayed whether anything that lives can ever wake it */
};

/* Names of the looks that are no marks. */
#define SL_LOOK_BEGIN   "begin"
#define SL_LOOK_END     "end"     /* when the work was over, before settling */
#define SL_LOOK_SETTLED "settled" /* its threads are those that stayed */

/**
 * Begin an observation with a look at the process.
 *
 * @param pid   process to observe; the calling process is allowed
 * @param opts  or NULL for the defaults.  What it points to is borrowed until the observation is
 *              freed, and read from sl_observation_settle() on only, so that it may be filled
 *              meanwhile
 * @param ret_observation  set on SL_OK only; the caller owns it, sl_observation_free()
 * @param err   detail on failure, or NULL
 *
 * @return SL_OK      it has begun
 *         SL_EINVAL  the size of the options or of the words is not set
 *         or as sl_snapshot_take()
 */
SL_API SL_CHECKED enum sl_status
sl_observation_begin(pid_t pid, const struct sl_observation_opts *opts,
                     struct sl_observation **ret_observation, struct sl_error *err);

/**
 * Look at the process at a named point.
 *
 * While the work goes on, all stacks are taken; of these marks the one with the most threads is
 * the peak.  A mark after settling tells which threads the shutdown of their library has ended:
 * those that go are waited for, one second at most.
 *
 * @param name  for sl_observation_snapshot(); copied
 *
 * @return SL_OK      it was taken
 *         SL_EGONE   the process ended
 *         SL_EINVAL  name is NULL, or the observation has ended or could not settle
 */
SL_API SL_CHECKED enum sl_status
sl_observation_mark(struct sl_observation *observation, const char *name, struct sl_error *err);

/**
 * The work is over: look, wait until threads on their way out have ended, and look again.
 *
 * When this fails after its first look, the looks taken so far can be read and the observation be
 * freed; nothing more can be found out with it.
 *
 * @param over_ns  CLOCK_MONOTONIC when the work was over; 0: now
 *
 * @return SL_OK       what is left will stay
 *         SL_ECLOSED  wake_fd became readable
 *         SL_EGONE    the process ended
 *         SL_EINVAL   that was called before
 */
SL_API SL_CHECKED enum sl_status
sl_observation_settle(struct sl_observation *observation, uint64_t over_ns, struct sl_error *err);

/**
 * End the observation, after sl_observation_settle() or with it.
 *
 * The process is not looked at any more, so that it may have ended since it settled.
 *
 * @param ret_report  set on SL_OK only; borrowed, valid until the observation is freed
 *
 * @return SL_OK      the threads that stayed, none or some
 *         SL_EINVAL  it has ended before
 *         or as sl_observation_settle(), when that is still to be done
 */
SL_API SL_CHECKED enum sl_status sl_observation_end(struct sl_observation *observation,
                                                    const struct sl_leak_report **ret_report,
                                                    struct sl_error *err);

/*
 * A look that was taken, by the name of its mark or one of SL_LOOK_*; of several the last; NULL:
 * there is none, as there is none without a name.  Borrowed, valid until the observation is freed.
 */
SL_API const struct sl_snapshot *
sl_observation_snapshot(const struct sl_observation *observation, const char *name);

/* Whatever it is at.  NULL is allowed. */
SL_API void sl_observation_free(struct sl_observation *observation);

#ifdef __cplusplus
}
#endif
#endif
