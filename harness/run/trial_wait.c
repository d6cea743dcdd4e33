/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_wait.h"

#include <poll.h>
#include <sys/uio.h>

#include "base/wait.h"
#include "harness/load/checker.h"
#include "harness/run/trial_end.h"

/* Between two looks at the server while waiting for the subject. */
#define SERVER_LOOK_NS (100 * SL_NS_PER_MS)

#define TELL_NS SL_NS_PER_S

static const char *phase_text(int phase)
{
    switch (phase) {
    case SL_PHASE_START:
        return "opening the bus";
    case SL_PHASE_OPEN:
        return "load";
    case SL_PHASE_LOADED:
        return "before Close";
    case SL_PHASE_CLOSING:
        return "Close";
    case SL_PHASE_CLOSED:
        return "shutting the library down";
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
    struct sl_trial_progress progress = {.doing = phase_text(trial->phase),
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
        sl_output_look(&trial->output, trial->process.output_fd);
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
