/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strandline subject IN OUT [DESK]: the process that is measured.  Hidden: started by
 * `strandline run` for each trial, with the descriptors of its two pipes.
 */
#include <stdio.h>
#include <unistd.h>

#include <strandline/bus.h>

#include "base/parse.h"
#include "cli/cmd.h"
#include "harness/process/process.h"
#include "harness/run/subject.h"

static int run(int argc, char **argv)
{
    uint64_t in_fd, out_fd, desk_fd = 0;

    if (argc < 3 || argc > 4 || sl_parse_number(argv[1], 3, 1 << 20, &in_fd, NULL) ||
        sl_parse_number(argv[2], 3, 1 << 20, &out_fd, NULL) ||
        (argc == 4 && sl_parse_number(argv[3], 3, 1 << 20, &desk_fd, NULL))) {
        (void) fputs("strandline: 'subject' is started by 'strandline run' only\n", stderr);
        return SL_EXIT_USAGE;
    }
    /* Threads that stayed may still run: no exit handler may take anything from under them. */
    _exit(sl_subject_main(bus_driver(), (int) in_fd, (int) out_fd, argc == 4 ? (int) desk_fd : -1));
}

const struct sl_command cmd_subject = {
    .name = SL_SUBJECT_COMMAND,
    .usage = "IN OUT [DESK]",
    .summary = "the process that is measured; started by 'strandline run'",
    .hidden = true,
    .run = run,
};
