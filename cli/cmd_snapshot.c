/* SPDX-License-Identifier: Apache-2.0 */
/* strandline snapshot PID: the stacks of all threads or goroutines of a process, now. */
#include <strandline/snapshot.h>

#include <stdio.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/cmd.h"
#include "cli/snapshot/dump.h"
#include "cli/snapshot/options.h"
#include "cli/snapshot/process.h"
#include "cli/snapshot/show.h"
#include "harness/model/snapshot.h"

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

static bool has_any_stack(const struct sl_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (snapshot->threads[i].stack)
            return true;
    return false;
}

/* After the goroutines. */
static enum sl_status show_threads(struct snapshot_request request, struct sl_error *err)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;

    request.native = true;
    enum sl_status status = snapshot_process_take(&request, &snapshot, err);
    return status ? status : snapshot_show(&request, snapshot, err);
}

static int run(int argc, char **argv)
{
    struct snapshot_request request = {.command = &cmd_snapshot};
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};
    int exit_status;

    if (!snapshot_options_read(argc, argv, &request, &exit_status))
        return exit_status;
    enum sl_status status = request.dump ? snapshot_dump_read(&request, &snapshot, &err)
                                         : snapshot_process_take(&request, &snapshot, &err);
    if (status && request.dump)
        return command_error(&cmd_snapshot, &err, command_exit_of_read(status));
    if (!status)
        status = snapshot_show(&request, snapshot, &err);
    if (!status && request.threads && snapshot->kind == SL_SNAPSHOT_GOROUTINES)
        status = show_threads(request, &err);
    if (status) {
        (void) command_error(&cmd_snapshot, &err, SL_EXIT_UNMEASURED);
        if (status == SL_EPERM)
            (void) fprintf(stderr, "%s'strandline doctor' says what is allowed here\n",
                           geteuid() ? "run it as root or with CAP_SYS_PTRACE; " : "");
        return SL_EXIT_UNMEASURED;
    }
    if (has_any_stack(snapshot))
        return SL_EXIT_OK;
    (void) fprintf(stderr, "strandline snapshot: not one of %zu %s has a stack\n",
                   snapshot->n_threads,
                   snapshot->kind == SL_SNAPSHOT_GOROUTINES ? "goroutines" : "threads");
    return SL_EXIT_UNMEASURED;
}

const struct sl_command cmd_snapshot = {
    .name = "snapshot",
    .usage = "[options] PID | --goroutines FILE",
    .summary = "the stacks of all threads of a process, grouped",
    .text =
        "Threads that are blocked are read where they are: none is stopped, none runs, none "
        "gets a\nsignal.  A thread on a CPU is stopped for a moment, unless --no-stop.  Threads "
        "with the\nsame functions on their stacks are shown once, with their number.  A stack "
        "that did not\nend at a known entry is marked, with the reason.  Threads that ended and "
        "were "
        "never joined\nare counted by the function they were started with.  PID may be 'self'.\nOf "
        "a Go "
        "program its goroutines are shown, from its memory: nothing is stopped.\n",
    .options = snapshot_options,
    .operand = SL_ARGUMENT_PROCESS,
    .run = run,
};
