/* SPDX-License-Identifier: Apache-2.0 */
/* How a trial ended, and the evidence that is kept of a bad end. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/run/hang.h"
#include "harness/run/trial_internal.h"

#define EXIT_NS (5 * SL_NS_PER_S)

void trial_fail(struct trial *trial, enum sl_trial_status status, const char *reason)
{
    if (trial->result->reason)
        return;
    trial->result->status = status;
    trial->result->reason = sl_arena_strdup(trial->arena, reason);
}

/* Some stacks as evidence of a subject that still lives but will not go on. */
static void keep_hang(struct trial *trial)
{
    SL_CLEANUP(sl_snapshot_freep) struct sl_snapshot *snapshot = NULL;

    if (!trial_take_snapshot(trial, true, &snapshot, NULL))
        sl_hang_describe(snapshot, trial->arena, trial->result);
}

/* The stacks seen last, of a subject that is gone. */
static void keep_last_snapshot(struct trial *trial)
{
    const struct sl_snapshot *last = trial->settled  ? trial->settled
                                     : trial->closed ? trial->closed
                                     : trial->loaded ? trial->loaded
                                                     : trial->start;
    if (last)
        sl_hang_describe(last, trial->arena, trial->result);
}

static void explain_end(struct trial *trial, bool by_itself)
{
    struct sl_trial_result *result = trial->result;
    char output[512], text[768];
    int status = trial->process.wait_status;

    sl_process_output(&trial->process, output, sizeof output);
    if (WIFSIGNALED(status) && by_itself) {
        result->signal = WTERMSIG(status);
        (void) snprintf(text, sizeof text, "the subject was ended by signal %d (%s)%s%s",
                        result->signal, strsignal(result->signal),
                        output[0] ? "; it printed: " : "", output);
        result->reason = NULL; /* a crash explains whatever failed before it */
        trial_fail(trial, SL_TRIAL_CRASHED, text);
    } else if (WIFEXITED(status) && (trial->phase != SL_PHASE_TORN_DOWN ||
                                     (WEXITSTATUS(status) && !trial->failure_told))) {
        (void) snprintf(text, sizeof text, "the subject exited with status %d%s%s",
                        WEXITSTATUS(status), output[0] ? "; it printed: " : "", output);
        if (trial->phase != SL_PHASE_TORN_DOWN)
            result->reason = NULL; /* a sanitizer ends a process so */
        trial_fail(trial, SL_TRIAL_CRASHED, text);
    }
}

enum sl_status trial_conclude(struct trial *trial, enum sl_status s, struct sl_error *err)
{
    char text[400];
    bool by_itself;

    switch (s) {
    case SL_OK:
        by_itself = sl_process_reap(&trial->process, EXIT_NS);
        if (!by_itself)
            trial_fail(trial, SL_TRIAL_TIMEOUT, "the subject did not exit after its last phase");
        explain_end(trial, by_itself);
        return SL_OK;
    case SL_ETIMEDOUT:
        trial->result->close.timed_out = trial->phase == SL_PHASE_CLOSING;
        (void) snprintf(text, sizeof text, "the subject hangs %s%s",
                        trial->result->phase ? "after phase " : "before its first phase",
                        trial->result->phase ? trial->result->phase : "");
        keep_hang(trial);
        trial_fail(trial, SL_TRIAL_TIMEOUT, text);
        return SL_OK;
    case SL_ECONNECT:
        keep_hang(trial);
        trial_fail(trial, SL_TRIAL_FAILED, err->text);
        return SL_OK;
    case SL_EGONE:
        explain_end(trial, sl_process_reap(&trial->process, EXIT_NS));
        keep_last_snapshot(trial);
        trial_fail(trial, SL_TRIAL_CRASHED, "the subject ended without a word");
        return SL_OK;
    default:
        return s;
    }
}
