/* SPDX-License-Identifier: Apache-2.0 */
/* strandline help [COMMAND | scenario] */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options/help.h"
#include "cli/options/options.h"

/* The manual page in short, for machines without man.  A line each; keys and limits are those of
   scenarios/scenario.c. */
static const char scenario_text[] =
    "A scenario is a JSON file, and its name is that of the file without .json.\n"
    "Only load.events has to be there.  Times (\"200ms\", \"1.5s\") and sizes (\"64KiB\")\n"
    "are strings with a unit.\n"
    "\n"
    "load         what is published, and how it is handled\n"
    "  events       messages in all, 1 to 10000000\n"
    "  rate         messages per second, or \"saturate\" (saturate)\n"
    "  topics       1 to 1000 (5)\n"
    "  aggregates   ids; an id in its topic is a key, 1 to 100000 (100)\n"
    "  payload      \"64B\" to \"64MiB\" (256B)\n"
    "  publishers   threads that publish, 1 to 1024 (1)\n"
    "  keys         how messages are spread over the keys, {\"distribution\": ...}:\n"
    "               \"uniform\", \"zipf\" with \"exponent\", \"hot\" with \"share\",\n"
    "               \"slow\" with \"cost\" (uniform)\n"
    "  handler      {\"kind\": ...}: \"spin\" and \"sleep\" with \"cost\", \"hang\" (spin, 0)\n"
    "  storage      of the broker: \"memory\" or \"file\" (memory)\n"
    "limits\n"
    "  timeout      for opening the bus, and again for the load (60s)\n"
    "  close_deadline  for Close (10s)\n"
    "  idle         ends a load whose last messages do not come\n"
    "  settle       longest wait after Close for threads on their way out (2s)\n"
    "modes        settings of the pools of \"keyed\", \"unified\" and \"direct\"; what is\n"
    "             left out is up to the bus\n"
    "  workers      threads: per topic in keyed mode, in all in unified mode\n"
    "  queue        messages that each worker's queue holds\n"
    "  enqueue_wait wait for room in a full queue before the topic is paused\n"
    "  stack        of each thread of the bus\n"
    "play         modes that are played ([\"keyed\", \"unified\"])\n"
    "trials       of each cell, 1 to 10000 (1)\n"
    "variants     cells spelled out, instead of play: each with name and mode, and if\n"
    "             wanted fault, pool (settings as in modes) and claimed_leaks (what\n"
    "             an analysis gave)\n"
    "description  a sentence for people;  $schema is ignored\n"
    "\n"
    "'man strandline-scenario' says more.\n";

static void print_commands(const struct sl_command *const *commands, FILE *out)
{
    (void) fputs("usage: strandline COMMAND [ARGUMENTS]\n\n"
                 "Finds the threads that are left after an event bus's Close(), and says why.\n\n"
                 "commands:\n",
                 out);
    for (; *commands; commands++)
        if (!(*commands)->hidden)
            (void) fprintf(out, "  %-10s  %s\n", (*commands)->name, (*commands)->summary);
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

int cmd_help_run(const struct sl_command *const *commands, int argc, char **argv)
{
    const struct sl_command *help = command_find(commands, argv[0]);
    struct sl_options options = {.command = help, .argc = argc, .argv = argv};

    if (options_next(&options) == SL_OPTIONS_EXIT)
        return options.exit_status;
    if (options.n_operands > 1)
        return command_usage_error(help, "one command at most");
    if (!options.n_operands) {
        print_commands(commands, stdout);
        return SL_EXIT_OK;
    }
    if (strcmp(options.operands[0], "scenario") == 0) {
        (void) fputs(scenario_text, stdout);
        return SL_EXIT_OK;
    }
    const struct sl_command *command = command_find(commands, options.operands[0]);
    if (!command) {
        const char *nearest = command_nearest(commands, options.operands[0]);
        return command_usage_error(help, "unknown command '%s'%s%s%s", options.operands[0],
                                   nearest ? ", did you mean '" : "", nearest ? nearest : "",
                                   nearest ? "'?" : "");
    }
    help_print(command, stdout);
    return SL_EXIT_OK;
}
