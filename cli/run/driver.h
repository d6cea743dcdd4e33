/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of `strandline run`: what it has decides what is asked of it. */
#ifndef SL_CLI_RUN_DRIVER_H
#define SL_CLI_RUN_DRIVER_H

#include "cli/run/request.h"

/*
 * Ask the driver what it has, put it into request->opts.bus.declaration, and take from it the
 * transport and the modes that were not named.  A driver from a file is loaded in a process of its
 * own.
 */
SL_CHECKED enum sl_status run_driver_ask(struct run_request *request, struct sl_error *err);

/* Is there anything in the plan that the driver does not have? */
SL_CHECKED enum sl_status run_driver_check(const struct run_request *request,
                                           const struct sl_run_plan *plan, struct sl_error *err);

/* Add a --driver-arg.  SL_EINVAL when it is not KEY=VALUE, or the key was given before. */
SL_CHECKED enum sl_status
run_driver_add_arg(struct run_request *request, char *argument, struct sl_error *err);

#endif
