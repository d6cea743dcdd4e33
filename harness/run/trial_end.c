/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_end.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <strandline/snapshot.h>

#include "harness/run/hang.h"

#define EXIT_NS (5 * SL_NS_PER_S)

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

void trial_fail(struct trial *trial, enum sl_trial_status status, enum sl_step step,
                const char *reason)
{
    if (trial->result->reason)
        return;
    trial->result->status = status;
    trial->result->step = step == SL_STEP_NONE ? NULL : sl_step_text(step);
    trial->result->reason = sl_arena_strdup(trial->arena, reason);
}

/* Some stacks as evidence of a subject that still lives but will not go on. */
static void keep_hang(struct trial *trial)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;

    if (!sl_snapshot_take(trial->process.pid, NULL, &snapshot, NULL))
        sl_hang_describe(snapshot, "hang", trial->arena, trial->result);
}

/* The stacks seen last, of a subject that is gone.  Before the load there were none worth it. */
static void keep_last_snapshot(struct trial *trial)
{
    static const struct {
        const char *look, *seen;
    } looks[] = {{SL_LOOK_SETTLED, "closed"}, {SL_LOOK_END, "closed"}, {"loaded", "loaded"}};

    if (trial->crash.signal)
        return; /* it was seen when it crashed */
    for (size_t i = 0; i < SL_COUNT_OF(looks); i++) {
        const struct sl_snapshot *snapshot =
            sl_observation_snapshot(trial->observation, looks[i].look);
        if (!snapshot)
            continue;
        sl_hang_describe(snapshot, looks[i].seen, trial->arena, trial->result);
        return;
    }
}

void trial_look_for_crash(struct trial *trial)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    struct sl_desk *desk = trial->process.desk;

    if (!desk || trial->crash.signal || !sl_desk_crash(desk, &trial->crash))
        return;
    if (!sl_snapshot_take(trial->process.pid, NULL, &snapshot, NULL))
        sl_hang_crashed(snapshot, &trial->crash, trial->arena, trial->result);
    sl_desk_release(desk);
}

static void explain_end(struct trial *trial, bool by_itself)
{
    struct sl_trial_result *result = trial->result;
    char end[576], text[600];
    int status = trial->process.wait_status;
    enum sl_step step = sl_desk_step(trial->process.desk);

    sl_process_describe_end(&trial->process, end, sizeof end);
    (void) snprintf(text, sizeof text, "the subject %s", end);
    if (WIFSIGNALED(status) && by_itself) {
        result->signal = WTERMSIG(status);
        result->reason = NULL; /* a crash explains whatever failed before it */
        trial_fail(trial, SL_TRIAL_CRASHED, step, text);
        if (trial->crash.signal == result->signal)
            result->crashed_thread = sl_arena_strdup(trial->arena, trial->crash.thread);
    } else if (WIFEXITED(status) && (trial->phase != SL_PHASE_TORN_DOWN ||
                                     (WEXITSTATUS(status) && !trial->failure_told))) {
        if (trial->phase != SL_PHASE_TORN_DOWN)
            result->reason = NULL; /* a sanitizer ends a process so */
        trial_fail(trial, SL_TRIAL_CRASHED, step, text);
    }
}

enum sl_status trial_conclude(struct trial *trial, enum sl_status status, struct sl_error *err)
{
    char text[400];
    bool by_itself;
    enum sl_step step;

    switch (status) {
    case SL_OK:
        by_itself = sl_process_reap(&trial->process, EXIT_NS);
        if (!by_itself)
            trial_fail(trial, SL_TRIAL_TIMEOUT, SL_STEP_EXIT,
                       "the subject did not exit after its last phase");
        explain_end(trial, by_itself);
        return SL_OK;
    case SL_ETIMEDOUT:
        trial->result->close.timed_out = trial->phase == SL_PHASE_CLOSING;
        step = sl_desk_step(trial->process.desk);
        (void) snprintf(text, sizeof text, "the subject hangs in %s", sl_step_text(step));
        keep_hang(trial);
        trial_fail(trial, SL_TRIAL_TIMEOUT, step, text);
        return SL_OK;
    case SL_ECONNECT:
        keep_hang(trial);
        trial_fail(trial, SL_TRIAL_FAILED, sl_desk_step(trial->process.desk), err->text);
        return SL_OK;
    case SL_EGONE:
        explain_end(trial, sl_process_reap(&trial->process, EXIT_NS));
        keep_last_snapshot(trial);
        trial_fail(trial, SL_TRIAL_CRASHED, sl_desk_step(trial->process.desk),
                   "the subject closed its pipe and went on");
        return SL_OK;
    default:
        return status;
    }
}
