/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/nearest.h"
#include "reports/print/wrap.h"

#define MAX_OPTIONS 48
#define HELP_VALUE  255 /* getopt's value for --help; others are index + FIRST_VALUE */
#define FIRST_VALUE 256

const char *sl_command_nearest(const char *word)
{
    const char *names[32];
    size_t n = 0;

    for (size_t i = 0; sl_commands[i]; i++)
        if (!sl_commands[i]->hidden)
            names[n++] = sl_commands[i]->name;
    names[n++] = "--version";
    names[n++] = "--help";
    return sl_nearest(word, names, n);
}

const struct sl_command *sl_command_find(const char *name)
{
    for (size_t i = 0; sl_commands[i]; i++)
        if (strcmp(sl_commands[i]->name, name) == 0)
            return sl_commands[i];
    return NULL;
}

static void print_see_help(const struct sl_command *command)
{
    (void) fprintf(stderr, "see 'strandline %s --help'\n", command->name);
}

int sl_usage_error(const struct sl_command *command, const char *format, ...)
{
    va_list args;
    (void) fprintf(stderr, "strandline %s: ", command->name);
    va_start(args, format);
    (void) vfprintf(stderr, format, args);
    va_end(args);
    (void) fputc('\n', stderr);
    print_see_help(command);
    return SL_EXIT_USAGE;
}

bool sl_reader_went(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

int sl_command_error(const struct sl_command *command, const struct sl_error *err, int exit_status)
{
    if (err->sys_errno == EPIPE && ferror(stdout) && sl_reader_went())
        return exit_status;
    (void) fprintf(stderr, "strandline %s: %s\n", command->name,
                   *err->text ? err->text : sl_status_text(err->status));
    return exit_status;
}

int sl_exit_of_read(enum sl_status status)
{
    return status == SL_ENOMEM ? SL_EXIT_UNMEASURED : SL_EXIT_USAGE;
}

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
        return sl_usage_error(command, "unknown option '%.*s', did you mean '--%s'?", length, word,
                              nearest);
    return sl_usage_error(command, "unknown option '%.*s'", length, word);
}

/* What getopt_long() stopped at: `value` is '?' or ':'. */
static int refuse_option(struct sl_options *options, int value, const char *word)
{
    const struct sl_command *command = options->command;
    bool is_long = strncmp(word, "--", 2) == 0;

    if (value == ':')
        options->status = sl_usage_error(command, "option '%s' needs an argument", word);
    else if (is_long && optopt)
        options->status = sl_usage_error(command, "option '%.*s' takes no argument",
                                         (int) strcspn(word, "="), word);
    else if (is_long)
        options->status = refuse_unknown(command, word);
    else
        options->status = sl_usage_error(command, "unknown option '-%c'", optopt);
    return SL_OPTIONS_EXIT;
}

int sl_options_next(struct sl_options *options)
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
        sl_help_print(options->command, stdout);
        options->status = SL_EXIT_OK;
        return SL_OPTIONS_EXIT;
    }
    if (value >= 0)
        return index_of(options->command->options, value);
    options->operands = options->argv + optind;
    options->n_operands = options->argc - optind;
    return SL_OPTIONS_END;
}

#define OPTION_WIDTH 30 /* of the column before the explanations */

static void
print_option(const struct sl_option *option, const struct sl_table_opts *opts, FILE *out)
{
    char text[64], letter[8] = "    ";

    if (option->letter)
        (void) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    (void) snprintf(text, sizeof text, "%s--%s%s%s", letter, option->name,
                    option->argument ? " " : "", option->argument ? option->argument : "");
    /* What is too wide for its column pushes the text into the next line. */
    (void) fprintf(out, strlen(text) > 26 ? "  %s\n%30s" : "  %-26s%2s", text, "");
    sl_wrap_after(SL_STYLE_NONE, opts, out, OPTION_WIDTH, OPTION_WIDTH, option->help);
}

/* Paragraphs whose lines are broken for 100 columns: broken anew where there are fewer. */
static void print_paragraphs(const char *text, const struct sl_table_opts *opts, FILE *out)
{
    SL_AUTO_FREE char *copy = opts->width ? strdup(text) : NULL;

    if (!copy) {
        (void) fputs(text, out);
        return;
    }
    for (char *at = copy; (at = strchr(at, '\n')) && at[1]; at++)
        if (at[1] != '\n' && at[1] != ' ' && (at == copy || at[-1] != '\n'))
            *at = ' ';
    char *rest = copy;
    copy[strlen(copy) - 1] = '\0'; /* the last newline is printed with its line */
    for (char *line; (line = strsep(&rest, "\n"));)
        sl_wrap_print(SL_STYLE_NONE, opts, out, 0, line);
}

void sl_help_print(const struct sl_command *command, FILE *out)
{
    static const struct sl_option help = {"help", NULL, "print this", 0};
    struct sl_table_opts opts = sl_table_opts_for(SL_COLOR_NEVER, out);

    (void) fprintf(out, "usage: strandline %s %s\n\n%s\n", command->name, command->usage,
                   command->summary);
    if (command->text) {
        (void) fputc('\n', out);
        print_paragraphs(command->text, &opts, out);
    }
    (void) fputs("\noptions:\n", out);
    for (const struct sl_option *option = command->options; option && option->name; option++)
        print_option(option, &opts, out);
    print_option(&help, &opts, out);
}

bool sl_color_parse(const char *text, enum sl_color *ret_color)
{
    static const char *const words[] = {
        [SL_COLOR_AUTO] = "auto",
        [SL_COLOR_ALWAYS] = "always",
        [SL_COLOR_NEVER] = "never",
    };
    for (size_t i = 0; i < SL_COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_color = (enum sl_color) i;
            return true;
        }
    }
    return false;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool wants_color(enum sl_color color, FILE *out)
{
    const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE");

    if (color != SL_COLOR_AUTO)
        return color == SL_COLOR_ALWAYS;
    if (is_set("NO_COLOR"))
        return false;
    if (is_set("CLICOLOR_FORCE") && strcmp(force, "0") != 0)
        return true;
    return isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
}

struct sl_table_opts sl_table_opts_for(enum sl_color color, FILE *out)
{
    struct sl_table_opts opts = {.color = wants_color(color, out)};
    struct winsize size;

    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
        opts.width = size.ws_col; /* 0 when the terminal does not know */
    return opts;
}
