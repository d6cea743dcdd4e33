/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/macros.h"

static int wake_fd = -1; /* a signal handler has no other way to know it */

static void on_signal(int number)
{
    int saved = errno;
    const char byte = (char) number;
    ssize_t written = write(wake_fd, &byte, 1); /* a full pipe is readable already */
    (void) written;
    errno = saved;
}

enum sl_status interrupt_catch(int *ret_fd, struct sl_error *err)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return sl_fail_errno(err, "cannot create a pipe for signals");
    wake_fd = fds[1];
    for (size_t i = 0; i < SL_COUNT_OF(signals); i++) {
        struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void) sigaction(signals[i], &action, NULL);
    }
    *ret_fd = fds[0];
    return SL_OK;
}
