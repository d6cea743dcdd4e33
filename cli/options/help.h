/* SPDX-License-Identifier: Apache-2.0 */
/* The help of one command. */
#ifndef SL_CLI_OPTIONS_HELP_H
#define SL_CLI_OPTIONS_HELP_H

#include <stdio.h>

#include "cli/options/command.h"

/* --help, which every command has beside the options of its table. */
extern const struct sl_option help_option;

void help_print(const struct sl_command *command, FILE *out);

#endif
