/* SPDX-License-Identifier: Apache-2.0 */
/* The option --agents of `strandline run`. */
#ifndef SL_CLI_RUN_AGENTS_H
#define SL_CLI_RUN_AGENTS_H

#include "harness/run/protocol.h"

/* "3", or "load=2,consume=1".  @return SL_EINVAL not such a list, or too many */
SL_CHECKED enum sl_status
run_agents_read(const char *text, uint32_t n_of[SL_N_PARTS], struct sl_error *err);
uint32_t run_agents_count(const uint32_t n_of[SL_N_PARTS]);

#endif
