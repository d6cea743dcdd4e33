/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `strandline snapshot`, read and checked. */
#ifndef SL_CLI_SNAPSHOT_OPTIONS_H
#define SL_CLI_SNAPSHOT_OPTIONS_H

#include "cli/snapshot/request.h"

extern const struct sl_option snapshot_options[];

/**
 * Read the command line.
 *
 * @param request  command set, the rest zero
 * @return false: exit with *ret_exit_status; what was wrong has been said
 */
bool snapshot_options_read(int argc, char **argv, struct snapshot_request *request,
                           int *ret_exit_status);

#endif
