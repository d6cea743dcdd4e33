/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/output.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

struct sl_page output_page(enum sl_color color, FILE *out)
{
    struct sl_page page = {.out = out, .color = wants_color(color, out)};
    struct winsize size;

    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
        page.width = size.ws_col; /* 0 when the terminal does not know */
    return page;
}

bool output_reader_went(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}
