/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot in the form that was asked for. */
#ifndef SL_CLI_SNAPSHOT_SHOW_H
#define SL_CLI_SNAPSHOT_SHOW_H

#include "cli/snapshot/request.h"

/* Group the threads, prove what is to be proved, and print. */
SL_CHECKED enum sl_status snapshot_show(const struct snapshot_request *request,
                                        const struct sl_snapshot *snapshot, struct sl_error *err);

#endif
