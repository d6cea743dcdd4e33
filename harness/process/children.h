/* SPDX-License-Identifier: Apache-2.0 */
/* The children of the calling process, and their end. */
#ifndef SL_PROCESS_CHILDREN_H
#define SL_PROCESS_CHILDREN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

/* Those that have ended and were not waited for included. */
struct children {
    pid_t *pids;
    size_t n, capacity;
};

SL_CHECKED enum sl_status children_list(struct children *ret_children, struct sl_error *err);
void children_release(struct children *children);

#define SL_ENDED_NAMED 32

/* Processes that were killed, the first of them by name. */
struct sl_ended {
    uint32_t n;
    uint32_t n_living; /* that could not be ended: they run as somebody else */
    struct {
        int32_t pid;
        char name[16];
    } named[SL_ENDED_NAMED];
};

/*
 * Kill all children of the calling process but those of `spared`, with their groups, and wait for
 * those that have ended.  Where the caller is the reaper of its descendants, their children come up
 * in the next round.
 *
 * A process that was sent SIGKILL makes no child any more, so that nothing has to be stopped first.
 *
 * @return how many were there, ended or not; 0: all is done; 1 also when they cannot be listed, for
 *         a child may have taken the descriptors that this takes, to hide
 */
size_t children_end_round(const struct children *spared, struct sl_ended *ended);

#endif
