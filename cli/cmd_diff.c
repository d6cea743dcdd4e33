/* SPDX-License-Identifier: Apache-2.0 */
/* strandline diff BEFORE AFTER...: which groups grew from look to look. */
#include "base/fail.h"
#include "cli/cmd.h"
#include "cli/diff/look.h"
#include "cli/diff/options.h"

static int run(int argc, char **argv)
{
    struct diff_request request = {.command = &cmd_diff};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_snapshot_diff diff;
    struct sl_error err = {0};
    int exit_status;

    if (!diff_options_read(argc, argv, &request, &exit_status))
        return exit_status;
    struct sl_diff_side *sides =
        arena ? sl_arena_array(arena, request.n_looks, sizeof *sides) : NULL;
    if (!sides) {
        (void) sl_fail(&err, SL_ENOMEM, "out of memory for %zu looks", request.n_looks);
        return command_error(request.command, &err, SL_EXIT_UNMEASURED);
    }
    for (size_t i = 0; i < request.n_looks; i++) {
        enum sl_status status = diff_look(&request, request.looks[i], arena, &sides[i], &err);
        if (status && diff_look_is_process(request.looks[i]) && status != SL_EINVAL)
            return command_error(request.command, &err, SL_EXIT_UNMEASURED);
        if (status)
            return command_error(request.command, &err, command_exit_of_read(status));
    }
    struct sl_page page = output_page(request.color, stdout);
    enum sl_status status = sl_snapshot_diff_make(sides, request.n_looks, arena, &diff, &err);
    if (!status)
        status = sl_export(sl_snapshot_diff_exporters, request.form, &diff, &page, &err);
    return status ? command_error(request.command, &err, command_exit_of_read(status)) : SL_EXIT_OK;
}

const struct sl_command cmd_diff = {
    .name = "diff",
    .usage = "[options] BEFORE AFTER [MORE...]",
    .summary = "which groups of threads or goroutines grew from look to look",
    .text =
        "A look is a file that 'strandline snapshot --json' wrote, a dump of goroutines in any "
        "form,\n'-' for standard input, or the id of a process, which is looked at now, in its "
        "turn.  Groups\nthat appeared, grew, shrank or are gone are told with their numbers in "
        "every look; of three\nlooks and more also the slope, and whether a group grew in every "
        "step.  A file whose name\nis a number is ./NUMBER.  The exit status is 0 whatever "
        "changed.\n",
    .options = diff_options,
    .operand = SL_ARGUMENT_FILE,
    .run = run,
};
