/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strandline guard OBSERVER PRINTED IN OUT [DESK]: starts a subject, and ends it with all that it
 * started.  Hidden: started by `strandline run` for each trial.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/parse.h"
#include "cli/cmd.h"
#include "harness/process/guard.h"
#include "harness/process/process.h"

#define N_OWN 2 /* descriptors; the others are the subject's */
#define N_ALL 5

static int run(int argc, char **argv)
{
    int fds[N_ALL] = {-1, -1, -1, -1, -1};
    const char *subject[N_ALL + 1] = {program_invocation_name, SL_SUBJECT_COMMAND};
    uint64_t fd;

    for (int i = 0; i < SL_MIN(argc - 1, N_ALL); i++) {
        if (sl_parse_number(argv[i + 1], 3, 1 << 20, &fd, NULL))
            argc = 0;
        fds[i] = (int) fd;
        if (i >= N_OWN)
            subject[i - N_OWN + 2] = argv[i + 1];
    }
    if (argc < N_ALL || argc > N_ALL + 1) {
        (void) fputs("strandline: 'guard' is started by 'strandline run' only\n", stderr);
        return SL_EXIT_USAGE;
    }
    const struct sl_guard_task task = {.observer_fd = fds[0],
                                       .printed_fd = fds[1],
                                       .argv = subject,
                                       .fds = fds + N_OWN,
                                       .n_fds = N_ALL - N_OWN};
    _exit(sl_guard_main(&task));
}

const struct sl_command cmd_guard = {
    .name = SL_GUARD_COMMAND,
    .usage = "OBSERVER PRINTED IN OUT [DESK]",
    .summary = "the process that ends a subject and what it started; started by 'strandline run'",
    .hidden = true,
    .run = run,
};
