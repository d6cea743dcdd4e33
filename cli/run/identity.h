/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured and with what, so that a report says so by itself: label, commit, build of the
 * driver, build of this tool.
 */
#ifndef SL_CLI_RUN_IDENTITY_H
#define SL_CLI_RUN_IDENTITY_H

#include "cli/run/request.h"

/* Fill what can be had; the rest stays NULL. */
void run_identity_fill(const struct run_request *request, struct sl_run_result *result);

#endif
