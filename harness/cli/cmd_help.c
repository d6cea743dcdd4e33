/* SPDX-License-Identifier: Apache-2.0 */
/* strandline help [COMMAND] */
#include "harness/cli/cli.h"

static void print_commands(FILE *out)
{
    (void) fputs("usage: strandline COMMAND [ARGUMENTS]\n\n"
                 "Finds the threads that are left after an event bus's Close(), and says why.\n\n"
                 "commands:\n",
                 out);
    for (size_t i = 0; sl_commands[i]; i++)
        if (!sl_commands[i]->hidden)
            (void) fprintf(out, "  %-10s  %s\n", sl_commands[i]->name, sl_commands[i]->summary);
    (void) fputs("\noptions:\n"
                 "  --help      print this; with a command, its own help\n"
                 "  --version   print the version\n\n"
                 "exit status:\n"
                 "  0  ok\n"
                 "  1  a rule is broken: leaked threads, lost messages, order, a late Close\n"
                 "  2  wrong usage, bad or unreadable input\n"
                 "  3  could not measure: no server, no permission, a crash, output not written\n"
                 "  4  inconclusive: nothing failed, but too few messages were accepted\n"
                 "Of several, 3 goes before 1 and 1 before 4.\n",
                 out);
}

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &sl_command_help, .argc = argc, .argv = argv};

    if (sl_options_next(&options) == SL_OPTIONS_EXIT)
        return options.status;
    if (options.n_operands > 1)
        return sl_usage_error(&sl_command_help, "one command at most");
    if (!options.n_operands) {
        print_commands(stdout);
        return SL_EXIT_OK;
    }
    const struct sl_command *command = sl_command_find(options.operands[0]);
    if (!command) {
        const char *nearest = sl_command_nearest(options.operands[0]);
        return sl_usage_error(&sl_command_help, "unknown command '%s'%s%s%s", options.operands[0],
                              nearest ? ", did you mean '" : "", nearest ? nearest : "",
                              nearest ? "'?" : "");
    }
    sl_help_print(command, stdout);
    return SL_EXIT_OK;
}

const struct sl_command sl_command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "explain a command, or list them",
    .run = run,
};
