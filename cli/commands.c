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

static int completion(int argc, char **argv)
{
    return cmd_completion_run(commands_all, argc, argv);
}

static const struct sl_command command_completion = {
    .name = "completion",
    .usage = "bash | zsh | fish",
    .summary = "what a shell completes; run by the build",
    .hidden = true,
    .run = completion,
};

const struct sl_command *const commands_all[] = {
    &cmd_run,   &cmd_show,    &cmd_gate,           &cmd_compare, &cmd_snapshot,
    &cmd_diff,  &cmd_doctor,  &cmd_selftest,       &cmd_agent,   &command_help,
    &cmd_guard, &cmd_subject, &command_completion, NULL,
};
