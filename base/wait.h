/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a descriptor until a deadline. */
#ifndef SL_BASE_WAIT_H
#define SL_BASE_WAIT_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "base/clock.h"

/*
 * @param events       of poll
 * @param deadline_ns  UINT64_MAX: none
 * @return false with errno, ETIMEDOUT when the deadline has passed; an error on the descriptor
 *         makes it ready, for the next call to tell
 */
static inline bool sl_wait_ready(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd watched = {.fd = fd, .events = events};
    int n;

    do {
        struct timespec left = sl_clock_to_timespec(sl_clock_left_ns(deadline_ns));
        n = ppoll(&watched, 1, &left, NULL);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        errno = ETIMEDOUT;
    return n > 0;
}

#endif
