/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for descriptors. */
#ifndef SL_BASE_WAIT_H
#define SL_BASE_WAIT_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/fail.h"

/*
 * Wait for a descriptor until a deadline.
 *
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

/*
 * What a look at the descriptor says that becomes readable when all is to stop.  A pipe that was
 * lost is a fault of our own and no interrupt.
 *
 * @param revents  of poll, asked for POLLIN
 * @return SL_ECLOSED when the run is to stop; SL_ESYS when nothing could tell us so any more
 */
SL_CHECKED static inline enum sl_status sl_wake_look(short revents, struct sl_error *err)
{
    if (revents & POLLIN)
        return sl_fail(err, SL_ECLOSED, "interrupted");
    if (revents)
        return sl_fail(err, SL_ESYS, "the pipe that tells of interrupts is not open any more");
    return SL_OK;
}

#endif
