/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: its colours, its width, and whether anybody reads it. */
#ifndef SL_CLI_OPTIONS_OUTPUT_H
#define SL_CLI_OPTIONS_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "reports/page.h"

/* --color=WHEN, in every command that prints for people. */
enum sl_color { SL_COLOR_AUTO, SL_COLOR_ALWAYS, SL_COLOR_NEVER };
#define SL_OPTION_COLOR                                                                            \
    {                                                                                              \
        "color", "WHEN", "colour the output: auto, always or never (auto: on a terminal)",         \
            .kind = SL_ARGUMENT_WORD, .words = "auto always never"                                 \
    }

/* A stream with its colour and width.  The flag goes before NO_COLOR, CLICOLOR_FORCE and the
 * terminal.
 */
struct sl_page output_page(enum sl_color color, FILE *out);

/* Is standard output a pipe or socket without a reader? */
bool output_reader_went(void);

#endif
