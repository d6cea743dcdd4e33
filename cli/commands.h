/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CLI_COMMANDS_H
#define SL_CLI_COMMANDS_H

#include "cli/options/command.h"

/* All commands in the order of the help, NULL at the end. */
extern const struct sl_command *const commands_all[];

#endif
