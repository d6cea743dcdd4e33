/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/url.h"
#include "base/utf8.h"
#include "cli/options/output.h"

const struct sl_command *command_find(const struct sl_command *const *commands, const char *name)
{
    while (*commands && strcmp((*commands)->name, name) != 0)
        commands++;
    return *commands;
}

const char *command_nearest(const struct sl_command *const *commands, const char *word)
{
    const char *names[32];
    size_t n = 0;

    for (; *commands; commands++)
        if (!(*commands)->hidden)
            names[n++] = (*commands)->name;
    names[n++] = "--version";
    names[n++] = "--help";
    return sl_nearest(word, names, n);
}

int command_usage_error(const struct sl_command *command, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sl_url_hide(text);
    sl_utf8_printf(stderr, "strandline %s: %s\n", command->name, text);
    sl_utf8_printf(stderr, "see 'strandline %s --help'\n", command->name);
    return SL_EXIT_USAGE;
}

int command_error(const struct sl_command *command, const struct sl_error *err, int exit_status)
{
    if (err->sys_errno == EPIPE && ferror(stdout) && output_reader_went())
        return exit_status;
    sl_utf8_printf(stderr, "strandline %s: %s\n", command->name,
                   *err->text ? err->text : sl_status_text(err->status));
    return exit_status;
}

int command_exit_of_read(enum sl_status status)
{
    return status == SL_ENOMEM ? SL_EXIT_UNMEASURED : SL_EXIT_USAGE;
}
