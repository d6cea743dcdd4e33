/* SPDX-License-Identifier: Apache-2.0 */
/* How far a run is, on standard error: a line that is rewritten on a terminal, else one now and
   then. */
#ifndef SL_CLI_RUN_PROGRESS_H
#define SL_CLI_RUN_PROGRESS_H

#include "harness/run/run.h"

struct progress {
    bool terminal;
    size_t trial;     /* the one that was shown last */
    uint64_t said_ns; /* its time then */
};

/* For sl_run_opts.on_trial; user is a struct progress. */
void progress_show(void *user, const struct sl_run_progress *now);

/* For sl_run_opts.on_output: "NAME: line". */
void progress_output(void *user, const char *driver, const char *line);

/* Nothing more comes. */
void progress_end(struct progress *progress);

#endif
