/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, each in the file of its name. */
#ifndef SL_CLI_CMD_H
#define SL_CLI_CMD_H

#include "cli/options/command.h"

extern const struct sl_command cmd_run, cmd_show, cmd_gate, cmd_compare, cmd_snapshot, cmd_diff,
    cmd_doctor, cmd_selftest, cmd_agent, cmd_guard, cmd_subject;

/* These are about all commands, which stand above them.  argv[0] is their own name. */
int cmd_help_run(const struct sl_command *const *commands, int argc, char **argv);
int cmd_completion_run(const struct sl_command *const *commands, int argc, char **argv);

#endif
