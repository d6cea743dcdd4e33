/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config of a subject on its way to another machine.  The limits are those of a scenario's
 * file, so that a message can ask for no more than a file.
 */
#ifndef SL_AGENT_WIRE_CONFIG_H
#define SL_AGENT_WIRE_CONFIG_H

#include "harness/agent/wire.h"

/* OPEN: all of a config but servers, driver and purge, which are the agent's own affair.  It is
   refused when it asks for more threads than any honest trial, or for names that are not a trial's.
 */
void sl_wire_pack_config(const struct sl_subject_config *config, struct sl_packer *packer);
bool sl_wire_unpack_config(struct sl_unpacker *unpacker, struct sl_subject_config *ret_config);

#endif
