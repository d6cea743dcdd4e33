/* SPDX-License-Identifier: Apache-2.0 */
/* PING and PONG: who is still there, and what its clock says. */
#ifndef SL_AGENT_FLEET_HEART_H
#define SL_AGENT_FLEET_HEART_H

#include "harness/agent/fleet_member.h"

/* PING every agent, until fleet->ending. */
void *fleet_heart_main(void *argument);

/* Answer PONGs; on a thread of the link. */
bool fleet_heart_intercept(void *user, const void *data, size_t size);

bool fleet_heart_has_our_clock(const struct member *member);

/* Ask an agent for its clock, many times, when it is not ours. */
void fleet_heart_measure_clock(struct sl_fleet *fleet, struct member *member);

#endif
