/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/options/help.h"

#define MAX_OPTIONS 48
#define HELP_VALUE  255 /* getopt's value for --help; others are index + FIRST_VALUE */
#define FIRST_VALUE 256

/* getopt_long()'s two tables from ours; "+" is not used, so that operands may stand anywhere. */
static void translate(const struct sl_option *options, struct option *ret_long, char *ret_short)
{
    size_t n = 0;

    *ret_short++ = ':'; /* a missing argument is told apart, and nothing is printed */
    for (; options && options[n].name && n < MAX_OPTIONS; n++) {
        ret_long[n] = (struct option){
            .name = options[n].name,
            .has_arg = options[n].argument ? required_argument : no_argument,
            .val = (int) n + FIRST_VALUE,
        };
        if (options[n].letter) {
            *ret_short++ = options[n].letter;
            if (options[n].argument)
                *ret_short++ = ':';
        }
    }
    ret_long[n] = (struct option){.name = "help", .val = HELP_VALUE};
    ret_long[n + 1] = (struct option){0};
    *ret_short = '\0';
}

static int index_of(const struct sl_option *options, int value)
{
    if (value >= FIRST_VALUE)
        return value - FIRST_VALUE;
    int i = 0;
    while (options[i].letter != value)
        i++;
    return i;
}

/* An unknown word, which may start with dashes and end in "=VALUE". */
static int refuse_unknown(const struct sl_command *command, const char *word)
{
    const char *names[MAX_OPTIONS + 1];
    int length = (int) strcspn(word, "=");
    SL_AUTO_FREE char *name = strndup(word + 2, (size_t) length - 2);
    size_t n = 0;

    for (const struct sl_option *option = command->options; option && option->name; option++)
        names[n++] = option->name;
    names[n++] = "help";
    const char *nearest = name ? sl_nearest(name, names, n) : NULL;
    if (nearest)
        return command_usage_error(command, "unknown option '%.*s', did you mean '--%s'?", length,
                                   word, nearest);
    return command_usage_error(command, "unknown option '%.*s'", length, word);
}

/* What getopt_long() stopped at: `value` is '?' or ':'. */
static int refuse_option(struct sl_options *options, int value, const char *word)
{
    const struct sl_command *command = options->command;
    bool is_long = strncmp(word, "--", 2) == 0;

    if (value == ':')
        options->exit_status = command_usage_error(command, "option '%s' needs an argument", word);
    else if (is_long && optopt)
        options->exit_status = command_usage_error(command, "option '%.*s' takes no argument",
                                                   (int) strcspn(word, "="), word);
    else if (is_long)
        options->exit_status = refuse_unknown(command, word);
    else
        options->exit_status = command_usage_error(command, "unknown option '-%c'", optopt);
    return SL_OPTIONS_EXIT;
}

/* Index of a word among words with spaces between; -1: it is none of them. */
static int find_word(const char *words, const char *word)
{
    for (int i = 0; *words; i++) {
        size_t length = strcspn(words, " ");
        if (strlen(word) == length && memcmp(words, word, length) == 0)
            return i;
        words += length + strspn(words + length, " ");
    }
    return -1;
}

/* "'blue' is not auto, always or never" */
static int refuse_word(struct sl_options *options, const struct sl_option *option)
{
    char list[128] = "";
    const char *last = strrchr(option->words, ' ');

    for (const char *at = option->words; at < last; at++)
        (void) snprintf(list + strlen(list), sizeof list - strlen(list), *at == ' ' ? ", " : "%c",
                        *at);
    options->exit_status = command_usage_error(options->command, "--%s: '%s' is not %s or %s",
                                               option->name, options->argument, list, last + 1);
    return SL_OPTIONS_EXIT;
}

/* The option itself is known. */
static int read_option(struct sl_options *options, int index)
{
    const struct sl_option *option = &options->command->options[index];

    if (option->kind != SL_ARGUMENT_WORD)
        return index;
    options->word = find_word(option->words, options->argument);
    return options->word < 0 ? refuse_word(options, option) : index;
}

int options_next(struct sl_options *options)
{
    struct option long_options[MAX_OPTIONS + 2];
    char short_options[2 * MAX_OPTIONS + 2];

    translate(options->command->options, long_options, short_options);
    if (!options->operands) {
        optind = 0; /* the GNU way to start over */
        opterr = 0;
        options->operands = options->argv;
    }
    int value = getopt_long(options->argc, options->argv, short_options, long_options, NULL);
    options->argument = optarg;
    if (value == '?' || value == ':')
        return refuse_option(options, value, options->argv[optind - 1]);
    if (value == HELP_VALUE) {
        help_print(options->command, stdout);
        options->exit_status = SL_EXIT_OK;
        return SL_OPTIONS_EXIT;
    }
    if (value >= 0)
        return read_option(options, index_of(options->command->options, value));
    options->operands = options->argv + optind;
    options->n_operands = options->argc - optind;
    return SL_OPTIONS_END;
}
