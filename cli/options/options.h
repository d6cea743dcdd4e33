/* SPDX-License-Identifier: Apache-2.0 */
/* Read the options of a command by its table. */
#ifndef SL_CLI_OPTIONS_OPTIONS_H
#define SL_CLI_OPTIONS_OPTIONS_H

#include "cli/options/command.h"

/* Results of options_next() that are no index of an option. */
enum { SL_OPTIONS_END = -1, SL_OPTIONS_EXIT = -2 };

/* One pass over the arguments of a command.  Set command, argc and argv; the rest is zero. */
struct sl_options {
    const struct sl_command *command;
    int argc;
    char **argv;     /* reordered: operands move behind the options */
    char *argument;  /* of the option just returned, in argv; or NULL */
    int word;        /* index of the argument among the option's words: SL_ARGUMENT_WORD */
    int exit_status; /* with SL_OPTIONS_EXIT */
    char **operands; /* after SL_OPTIONS_END; ends with NULL */
    int n_operands;
};

/*
 * Next option: its index in the command's table; SL_OPTIONS_END; or SL_OPTIONS_EXIT after --help
 * was printed, or a wrong option described on stderr.
 */
int options_next(struct sl_options *options);

#endif
