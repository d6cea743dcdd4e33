/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run --list-faults`. */
#ifndef SL_CLI_RUN_PRINT_FAULTS_H
#define SL_CLI_RUN_PRINT_FAULTS_H

#include "cli/options/command.h"
#include "harness/run/declaration.h"

/*
 * The faults that a driver declares, for people or as JSON.
 *
 * @param foreign  NULL: the built-in bus, which knows more of its own
 * @return exit status
 */
int print_faults(const struct sl_command *command, const struct sl_declaration *foreign, bool json);

#endif
