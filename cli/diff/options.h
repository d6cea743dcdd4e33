/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `strandline diff`, read and checked. */
#ifndef SL_CLI_DIFF_OPTIONS_H
#define SL_CLI_DIFF_OPTIONS_H

#include "cli/options/command.h"
#include "cli/options/output.h"

struct diff_request {
    const struct sl_command *command;
    char **looks; /* operands: process ids, files, "-" */
    size_t n_looks;
    bool goroutines;  /* files are dumps, processes are Go's */
    const char *form; /* name of an exporter */
    enum sl_color color;
};

extern const struct sl_option diff_options[];

/**
 * Read the command line.
 *
 * @param request  command set, the rest zero
 * @return false: exit with *ret_exit_status; what was wrong has been said
 */
bool diff_options_read(int argc, char **argv, struct diff_request *request, int *ret_exit_status);

#endif
