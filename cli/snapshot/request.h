/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of `strandline snapshot` asks for. */
#ifndef SL_CLI_SNAPSHOT_REQUEST_H
#define SL_CLI_SNAPSHOT_REQUEST_H

#include <stdbool.h>

#include <strandline/snapshot.h>

#include "cli/options/command.h"
#include "cli/options/output.h"

struct snapshot_request {
    const struct sl_command *command;
    const char *dump; /* file of goroutines, or "-"; NULL: a process */
    pid_t pid;
    bool native;  /* no goroutines, whatever the program is */
    bool threads; /* those too, where there are goroutines */
    struct sl_snapshot_opts opts;
    const char *form; /* name of an exporter */
    bool all;
    bool prove;
    enum sl_color color;
};

/* SL_SNAPSHOT_NEEDS_... of the form. */
unsigned snapshot_request_needs(const struct snapshot_request *request);

#endif
