/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the command line: commands, options, help, exit statuses.
 *
 * A command is one const struct sl_command in a file of its own, and one line in
 * main.c.  Its option table drives both the parsing and the help.
 */
#ifndef SL_CLI_H
#define SL_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <strandline/error.h>

#include "reports/print/style.h"

enum sl_exit {
    SL_EXIT_OK = 0,
    SL_EXIT_FAILED = 1,       /* a rule is broken: leak, loss, order, regression */
    SL_EXIT_USAGE = 2,        /* wrong options, bad or unreadable input */
    SL_EXIT_UNMEASURED = 3,   /* could not measure: no server, no permission, crash, time-out */
    SL_EXIT_INCONCLUSIVE = 4, /* measured, but not enough to tell */
};

/* In version.c, which the build makes. */
extern const char sl_cli_commit[]; /* 40 hex digits, "-dirty" appended; or "unknown" */

struct sl_option {
    const char *name;     /* without the dashes; NULL ends a table */
    const char *argument; /* "N"; NULL: takes none */
    const char *help;     /* one line */
    char letter;          /* of the short form; 0: none */
};

struct sl_command {
    const char *name;    /* "gate" */
    const char *usage;   /* what follows the name: "REPORT [options]" */
    const char *summary; /* one line, for the list of commands */
    const char *text;    /* paragraphs of the help, each line ends in a newline; or NULL */
    const struct sl_option *options; /* or NULL */
    bool hidden;                     /* not listed */
    /* argv[0] is the name.  @return the exit status */
    int (*run)(int argc, char **argv);
};

extern const struct sl_command sl_command_run, sl_command_show, sl_command_gate, sl_command_compare,
    sl_command_snapshot, sl_command_doctor, sl_command_agent, sl_command_help, sl_command_subject;

/* All of them, NULL at the end; in main.c. */
extern const struct sl_command *const sl_commands[];

/* NULL when there is none of this name. */
const struct sl_command *sl_command_find(const char *name);

/* The command, or option that stands in place of one, that somebody may have meant; or NULL. */
const char *sl_command_nearest(const char *word);

/* Results of sl_options_next() that are no index of an option. */
enum { SL_OPTIONS_END = -1, SL_OPTIONS_EXIT = -2 };

/* One pass over the arguments of a command.  Set command, argc and argv; the rest is zero. */
struct sl_options {
    const struct sl_command *command;
    int argc;
    char **argv;          /* reordered: operands move behind the options */
    const char *argument; /* of the option just returned, or NULL */
    int status;           /* with SL_OPTIONS_EXIT: exit with this */
    char **operands;      /* after SL_OPTIONS_END; ends with NULL */
    int n_operands;
};

/*
 * Next option: its index in the command's table; SL_OPTIONS_END; or SL_OPTIONS_EXIT after --help
 * was printed, or a wrong option described on stderr.
 */
int sl_options_next(struct sl_options *options);

/* Describe a wrong use on stderr: one line, and where the help is.  @return SL_EXIT_USAGE */
int sl_usage_error(const struct sl_command *command, const char *format, ...) SL_PRINTF(2, 3);

/* Print err->text (status text when empty) as this command's failure.  @return exit_status */
int sl_command_error(const struct sl_command *command, const struct sl_error *err, int exit_status);

/* Is standard output a pipe or socket without a reader? */
bool sl_reader_went(void);

/* Exit status for a report that could not be read: unreadable input, unless memory was short. */
int sl_exit_of_read(enum sl_status status);

void sl_help_print(const struct sl_command *command, FILE *out);

/* --color=WHEN, in every command that prints for people. */
#define SL_OPTION_COLOR                                                                            \
    {                                                                                              \
        "color", "WHEN", "colour the output: auto, always or never (auto: on a terminal)", 0       \
    }
enum sl_color { SL_COLOR_AUTO, SL_COLOR_ALWAYS, SL_COLOR_NEVER };

/* @return false for a word that is none of the three; *ret_color is then untouched */
bool sl_color_parse(const char *text, enum sl_color *ret_color);

/* Colour and width for a stream.  The flag goes before NO_COLOR, CLICOLOR_FORCE and the terminal.
 */
struct sl_table_opts sl_table_opts_for(enum sl_color color, FILE *out);

#endif
