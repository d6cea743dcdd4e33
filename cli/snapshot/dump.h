/* SPDX-License-Identifier: Apache-2.0 */
/* The dump that `strandline snapshot --goroutines FILE` looks at. */
#ifndef SL_CLI_SNAPSHOT_DUMP_H
#define SL_CLI_SNAPSHOT_DUMP_H

#include "cli/snapshot/request.h"

/* @param ret_snapshot  set on success only; the caller owns it */
SL_CHECKED enum sl_status snapshot_dump_read(const struct snapshot_request *request,
                                             struct sl_snapshot **ret_snapshot,
                                             struct sl_error *err);

#endif
