/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command is: its name, its help, its options, and how it ends.
 *
 * A command is one const struct sl_command in a file of its own, and one line in
 * commands.c.  Its option table drives the parsing, the help and the completions.
 */
#ifndef SL_CLI_OPTIONS_COMMAND_H
#define SL_CLI_OPTIONS_COMMAND_H

#include <stdbool.h>

#include <strandline/error.h>

#include "base/macros.h"

enum sl_exit {
    SL_EXIT_OK = 0,
    SL_EXIT_FAILED = 1,       /* a rule is broken: leak, loss, order, regression */
    SL_EXIT_USAGE = 2,        /* wrong options, bad or unreadable input */
    SL_EXIT_UNMEASURED = 3,   /* could not measure: no server, no permission, crash, time-out */
    SL_EXIT_INCONCLUSIVE = 4, /* measured, but not enough to tell */
};

/* What an argument or operand stands for. */
enum sl_argument {
    SL_ARGUMENT_TEXT, /* a number, a name: nothing that is known beforehand */
    SL_ARGUMENT_WORD, /* one of words; options_next() refuses any other */
    SL_ARGUMENT_LIST, /* some of words, with commas between; others may be right, too */
    SL_ARGUMENT_FILE,
    SL_ARGUMENT_SCENARIO, /* a name, or a file */
    SL_ARGUMENT_FAULTS,   /* names, with commas between */
    SL_ARGUMENT_PROCESS,
    SL_ARGUMENT_COMMAND
};

struct sl_option {
    const char *name;      /* without the dashes; NULL ends a table */
    const char *argument;  /* "N"; NULL: takes none */
    const char *help;      /* one line */
    char letter;           /* of the short form; 0: none */
    enum sl_argument kind; /* of the argument */
    const char *words;     /* "auto always never": of SL_ARGUMENT_WORD and SL_ARGUMENT_LIST */
};

struct sl_command {
    const char *name;    /* "gate" */
    const char *usage;   /* what follows the name: "REPORT [options]" */
    const char *summary; /* one line, for the list of commands */
    const char *text;    /* paragraphs of the help, each line ends in a newline; or NULL */
    const struct sl_option *options; /* or NULL */
    enum sl_argument operand;
    bool hidden; /* not listed */
    /* argv[0] is the name.  @return the exit status */
    int (*run)(int argc, char **argv);
};

/* NULL when there is none of this name.  Tables of commands end with NULL, here and below. */
const struct sl_command *command_find(const struct sl_command *const *commands, const char *name);

/* The command, or option that stands in place of one, that somebody may have meant; or NULL. */
const char *command_nearest(const struct sl_command *const *commands, const char *word);

/* Describe a wrong use on stderr: one line, and where the help is.  @return SL_EXIT_USAGE */
int command_usage_error(const struct sl_command *command, const char *format, ...) SL_PRINTF(2, 3);

/* Print err->text (status text when empty) as this command's failure.  @return exit_status */
int command_error(const struct sl_command *command, const struct sl_error *err, int exit_status);

/* Exit status for a report that could not be read: unreadable input, unless memory was short. */
int command_exit_of_read(enum sl_status status);

#endif
