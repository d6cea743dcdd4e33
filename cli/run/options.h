/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `strandline run`, read and checked. */
#ifndef SL_CLI_RUN_OPTIONS_H
#define SL_CLI_RUN_OPTIONS_H

#include "cli/run/request.h"

extern const struct sl_option run_options[];

/**
 * Read the command line.
 *
 * @param request  command and arena set, the rest zero
 * @return false: exit with *ret_exit_status; what was wrong has been said
 */
bool run_options_read(int argc, char **argv, struct run_request *request, int *ret_exit_status);

/* Ask the driver what it has, and put in what was not given. */
SL_CHECKED enum sl_status run_options_complete(struct run_request *request, struct sl_error *err);

/* Read the rule files: SL_ENOENT, SL_ESYS or SL_EPARSE for one that is not fit. */
SL_CHECKED enum sl_status run_options_load_rules(struct run_request *request, struct sl_error *err);

/* Options that do not go together. */
SL_CHECKED enum sl_status
run_options_check(const struct run_request *request, struct sl_error *err);

/* Agents of any part. */
uint32_t run_agents_count(const uint32_t n_of[SL_N_PARTS]);

#endif
