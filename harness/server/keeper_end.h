/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of all that a keeper has started, however it was started: nodes behind scripts, nodes
 * that went into the background.  The keeper is the reaper of its descendants, so whatever loses
 * its parent becomes its child.  System calls only, as in all of the keeper.
 */
#ifndef SL_SERVER_KEEPER_END_H
#define SL_SERVER_KEEPER_END_H

#include <stdint.h>
#include <sys/types.h>

/* Kill a group, whose leader is a child, and wait for its members that are children. */
void keeper_end_group(pid_t leader);

/* Kill all children, and theirs, until none is left or the time is over (CLOCK_MONOTONIC). */
void keeper_end_all(uint64_t deadline_ns);

#endif
