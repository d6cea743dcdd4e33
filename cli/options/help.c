/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/help.h"

#include <string.h>

#include "cli/options/output.h"
#include "reports/print/wrap.h"

const struct sl_option help_option = {"help", NULL, "print this", 0};

#define OPTION_WIDTH 30 /* of the column before the explanations */

static void print_option(const struct sl_option *option, const struct sl_page *page)
{
    char text[64], letter[8] = "    ";

    if (option->letter)
        (void) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    (void) snprintf(text, sizeof text, "%s--%s%s%s", letter, option->name,
                    option->argument ? " " : "", option->argument ? option->argument : "");
    /* What is too wide for its column pushes the text into the next line. */
    (void) fprintf(page->out, strlen(text) > 26 ? "  %s\n%30s" : "  %-26s%2s", text, "");
    sl_wrap_after(page, SL_STYLE_NONE, OPTION_WIDTH, OPTION_WIDTH, option->help);
}

/* Paragraphs whose lines are broken for 100 columns: broken anew where there are fewer. */
static void print_paragraphs(const char *text, const struct sl_page *page)
{
    SL_AUTO_FREE char *copy = page->width ? strdup(text) : NULL;

    if (!copy) {
        (void) fputs(text, page->out);
        return;
    }
    for (char *at = copy; (at = strchr(at, '\n')) && at[1]; at++)
        if (at[1] != '\n' && at[1] != ' ' && (at == copy || at[-1] != '\n'))
            *at = ' ';
    char *rest = copy;
    copy[strlen(copy) - 1] = '\0'; /* the last newline is printed with its line */
    for (char *line; (line = strsep(&rest, "\n"));)
        sl_wrap_print(page, SL_STYLE_NONE, 0, line);
}

void help_print(const struct sl_command *command, FILE *out)
{
    struct sl_page page = output_page(SL_COLOR_NEVER, out);

    (void) fprintf(out, "usage: strandline %s %s\n\n%s\n", command->name, command->usage,
                   command->summary);
    if (command->text) {
        (void) fputc('\n', out);
        print_paragraphs(command->text, &page);
    }
    (void) fputs("\noptions:\n", out);
    for (const struct sl_option *option = command->options; option && option->name; option++)
        print_option(option, &page);
    print_option(&help_option, &page);
}
