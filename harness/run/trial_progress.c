/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_progress.h"

#include <sys/uio.h>

#include "harness/load/checker.h"

#define EVERY_NS SL_NS_PER_S

static const char *doing(int phase)
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

/* @return false when the states could not be read whole */
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

void trial_tell_progress(struct trial *trial)
{
    const struct sl_trial_watch *watch = &trial->input->watch;
    uint64_t now_ns = sl_clock_now_ns();

    if (!watch->tell || now_ns - SL_MAX(trial->told_ns, trial->began_ns) < EVERY_NS)
        return;
    trial->told_ns = now_ns;
    struct sl_trial_progress progress = {.doing = doing(trial->phase),
                                         .elapsed_ns = now_ns - trial->began_ns};
    /* Of a shared load the local subject knows its own part only. */
    if (trial->phase == SL_PHASE_OPEN && trial->states_at && !trial->agents_begun)
        count_messages(trial, &progress);
    watch->tell(watch->user, &progress);
}
