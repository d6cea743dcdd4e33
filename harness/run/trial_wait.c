/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_wait.h"

#include <poll.h>

#include "base/wait.h"
#include "harness/run/trial_end.h"
#include "harness/run/trial_progress.h"

/* Between two looks at the server while waiting for the subject. */
#define SERVER_LOOK_NS (100 * SL_NS_PER_MS)

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
        trial_tell_progress(trial);
    }
}
