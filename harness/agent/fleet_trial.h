/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of a fleet: the table that a run calls. */
#ifndef SL_AGENT_FLEET_TRIAL_H
#define SL_AGENT_FLEET_TRIAL_H

#include "harness/agent/fleet_member.h"

/* Fill fleet->agents. */
void fleet_trial_fill(struct sl_fleet *fleet);

#endif
