/* SPDX-License-Identifier: Apache-2.0 */
/* Calling for agents until every place of a fleet is taken. */
#ifndef SL_AGENT_FLEET_HIRE_H
#define SL_AGENT_FLEET_HIRE_H

#include "harness/agent/fleet_member.h"

/* @return SL_ENOENT after wait_ns, the text says who is missing; SL_ECLOSED interrupted */
SL_CHECKED enum sl_status
fleet_hire(struct sl_fleet *fleet, uint64_t wait_ns, struct sl_error *err);

#endif
