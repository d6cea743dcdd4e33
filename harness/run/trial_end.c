/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_end.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <strandline/snapshot.h>

#include "base/wait.h"
#include "harness/load/checker.h"
#include "harness/run/hang.h"
#include "harness/run/trial_result.h"

/* Between two looks at the server while waiting for the subject. */
#define SERVER_LOOK_NS (100 * SL_NS_PER_MS)

#define TELL_NS SL_NS_PER_S

static const char *phase_text(const struct trial *trial)
{
    switch (trial->phase) {
    case SL_PHASE_START:
        return "opening the bus";
    case SL_PHASE_OPEN:
        return "load";
    case SL_PHASE_LOADED:
        return "before Close";
    case SL_PHASE_CLOSING:
        return "Close";
    case SL_PHASE_CLOSED:
        return trial->dialogue.cycles_left ? "opening the bus again" : "shutting the library down";
    case SL_PHASE_TORN_DOWN:
        return "end of the subject";
    default:
        return "starting the subject";
    }
}

/*
 * What is known of each message lies in the subject's memory, from where it is copied now and then:
 * the subject does nothing for it, and has no thread more.
 *
 * @return false when the states could not be read whole
 */
static bool read_states(const struct trial *trial, unsigned char *states, size_t size)
{
    struct iovec own = {states, size};
    struct iovec its = {(void *) (uintptr_t) trial->states_at, size};

    return process_vm_readv(trial->process.pid, &own, 1, &its, 1, 0) == (ssize_t) size;
}

static void count_messages(const struct trial *trial, struct sl_trial_progress *progress)
{
    size_t n = trial->input->cell->scenario->load.events;
    SL_AUTO_FREE unsigned char *states = malloc(n);
    struct sl_load_counts counts = {0};

    progress->counted = states && read_states(trial, states, n);
    for (size_t i = 0; i < n && progress->counted; i++)
        sl_checker_classify(states[i], &counts);
    progress->accepted = counts.published;
    progress->handled = counts.handled;
}

/* Tell who wants to know how far it is, when it is time to. */
static void tell_progress(struct trial *trial)
{
    const struct sl_trial_watch *watch = &trial->input->watch;
    uint64_t now_ns = sl_clock_now_ns();

    if (!watch->tell || now_ns - SL_MAX(trial->told_ns, trial->began_ns) < TELL_NS)
        return;
    trial->told_ns = now_ns;
    struct sl_trial_progress progress = {.doing = phase_text(trial),
                                         .elapsed_ns = now_ns - trial->began_ns};
    /* Of a shared load the local subject knows its own part only. */
    if (trial->phase == SL_PHASE_OPEN && trial->states_at && !trial->agents_begun)
        count_messages(trial, &progress);
    watch->tell(watch->user, &progress);
}

enum sl_status
trial_await(struct trial *trial, uint64_t deadline_ns, bool *ret_subject, struct sl_error *err)
{
    const struct sl_agents *agents = trial->agents_begun ? trial->input->agents : NULL;

    for (;;) {
        struct pollfd fds[] = {{.fd = trial->process.from_fd, .events = POLLIN},
                               {.fd = trial->input->wake_fd, .events = POLLIN},
                               {.fd = agents ? agents->fd : -1, .events = POLLIN}};
        uint64_t left = sl_clock_left_ns(deadline_ns);
        struct timespec slice = sl_clock_to_timespec(SL_MIN(left, SERVER_LOOK_NS));
        int ready = ppoll(fds, SL_COUNT_OF(fds), &slice, NULL);
        enum sl_status status = ready > 0 ? sl_wake_look(fds[1].revents, err) : SL_OK;
        if (status)
            return status;
        sl_output_look(&trial->output, trial->process.printed);
        trial_look_for_crash(trial);
        *ret_subject = ready > 0 && fds[0].revents;
        status = agents ? agents->look(agents->user, err) : SL_OK;
        if (status || *ret_subject || (ready > 0 && fds[2].revents))
            return status;
        if (trial->input->server && !sl_server_is_alive(trial->input->server))
            return sl_fail(err, SL_ECONNECT, "nats-server ended in the middle of the trial");
        if (!left)
            return sl_fail(err, SL_ETIMEDOUT, "deadline passed");
        tell_progress(trial);
    }
}

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

#define HANG_NS (100 * SL_NS_PER_MS) /* between two looks, to see who does not go on */

/* Some stacks as evidence of a subject that still lives but will not go on. */
static void keep_hang(struct trial *trial)
{
    const struct sl_snapshot_opts without_names = {.size = sizeof without_names,
                                                   .no_symbols = true};
    SL_AUTO(sl_snapshot) struct sl_snapshot *earlier = NULL, *snapshot = NULL;

    /* Without it no thread is known to rest, and so no circle of waits proven. */
    if (sl_snapshot_take(trial->process.pid, &without_names, &earlier, NULL))
        earlier = NULL;
    else
        sl_clock_sleep_ns(HANG_NS);
    if (sl_snapshot_take(trial->process.pid, NULL, &snapshot, NULL))
        return;
    sl_hang_describe(snapshot, earlier, "hang", trial->arena, trial->result);
    if (!trial->input->no_prove)
        sl_hang_prove(snapshot, trial->arena, trial->result);
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
        sl_hang_describe(snapshot, NULL, looks[i].seen, trial->arena, trial->result);
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
    if (trial->process.guard_status) {
        result->reason = NULL; /* whatever failed before */
        trial_fail(trial, SL_TRIAL_CRASHED, step, text);
    } else if (WIFSIGNALED(status) && by_itself) {
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

/* Numbers that came before may be as wrong. */
static void distrust(struct trial *trial, const struct sl_error *err)
{
    enum sl_step step = sl_desk_step(trial->process.desk);

    trial->distrusted = true;
    sl_trial_result_init(trial->result, "the subject broke the protocol");
    if (trial->phase >= 0)
        trial->result->phase = sl_phase_text((enum sl_phase) trial->phase);
    trial_fail(trial, SL_TRIAL_FAILED, step, err->text);
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
        if (sl_dialogue_end(trial->process.from_fd, err))
            distrust(trial, err);
        return SL_OK;
    case SL_EPROTO:
        distrust(trial, err);
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
