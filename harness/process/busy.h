/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the machine others had while something ran. */
#ifndef SL_PROCESS_BUSY_H
#define SL_PROCESS_BUSY_H

#include "harness/model/result.h"

/* CPU time so far, of the whole machine and of the calling process with its children. */
struct sl_busy {
    uint64_t at_ns;
    uint64_t used_ns, stolen_ns; /* by anybody here; by other machines of the same host */
    uint64_t own_ns;             /* children count once they were waited for */
    const char *missing;         /* why the rest is not known, or NULL */
};

struct sl_busy sl_busy_now(void);

/* CPUs' worth that others used between the two, and that the machine was not given. */
struct sl_real sl_busy_others(const struct sl_busy *before, const struct sl_busy *after);
struct sl_real sl_busy_stolen(const struct sl_busy *before, const struct sl_busy *after);

#endif
