/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/help.h"

#include <string.h>

#include "cli/options/output.h"
#include "reports/print/wrap.h"

const struct sl_option help_option = {"help", NULL, "print this", 0};

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

void help_print(const struct sl_command *command, FILE *out)
{
    struct sl_table_opts opts = output_table_opts(SL_COLOR_NEVER, out);

    (void) fprintf(out, "usage: strandline %s %s\n\n%s\n", command->name, command->usage,
                   command->summary);
    if (command->text) {
        (void) fputc('\n', out);
        print_paragraphs(command->text, &opts, out);
    }
    (void) fputs("\noptions:\n", out);
    for (const struct sl_option *option = command->options; option && option->name; option++)
        print_option(option, &opts, out);
    print_option(&help_option, &opts, out);
}
