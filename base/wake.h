/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor that becomes readable when a run is to stop. */
#ifndef SL_WAKE_H
#define SL_WAKE_H

#include <poll.h>

#include "base/fail.h"

/*
 * What a look at it says.  A pipe that was lost is a fault of our own and no interrupt.
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
