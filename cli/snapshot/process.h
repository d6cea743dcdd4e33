/* SPDX-License-Identifier: Apache-2.0 */
/* The process that `strandline snapshot PID` looks at. */
#ifndef SL_CLI_SNAPSHOT_PROCESS_H
#define SL_CLI_SNAPSHOT_PROCESS_H

#include "cli/snapshot/request.h"

/**
 * Look at the goroutines of a Go program, else at the threads, within the time that it may take;
 * past that the program ends.
 *
 * @param ret_snapshot  set on success only; the caller owns it
 */
SL_CHECKED enum sl_status snapshot_process_take(const struct snapshot_request *request,
                                                struct sl_snapshot **ret_snapshot,
                                                struct sl_error *err);

#endif
