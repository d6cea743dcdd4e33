/* SPDX-License-Identifier: Apache-2.0 */
/* What `strandline run` could play, and what it would; nothing is played. */
#ifndef SL_CLI_RUN_PRINT_H
#define SL_CLI_RUN_PRINT_H

#include "cli/run/request.h"

/* The scenarios and the faults.  @return the exit status, here and below */
int print_scenarios(const struct run_request *request);

/* The faults that the driver declares, for people or as JSON; the built-in bus knows more of its
 * own. */
int print_faults(const struct run_request *request);

/* The cells of a plan. */
int print_plan(const struct run_request *request, const struct sl_run_plan *plan);

#endif
