/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include "cli/cmd.h"

static int help(int argc, char **argv)
{
    return cmd_help_run(commands_all, argc, argv);
}

static const struct sl_command command_help = {
    .name = "help",
    .usage = "[COMMAND | scenario]",
    .summary = "explain a command or, as 'help scenario', the scenario file",
    .operand = SL_ARGUMENT_COMMAND,
    .run = help,
};

const struct sl_command *const commands_all[] = {
    &cmd_run,    &cmd_show,  &cmd_gate,     &cmd_compare, &cmd_snapshot,
    &cmd_doctor, &cmd_agent, &command_help, &cmd_subject, NULL,
};
