/* SPDX-License-Identifier: Apache-2.0 */
/* Log: lines for the callback of the configuration, of each kind at most one per second. */
#ifndef BUS_ENGINE_LOG_H
#define BUS_ENGINE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

#include <strandline/bus.h>

#include "base/macros.h"

enum log_kind { LOG_PAUSED, LOG_GIVEN_UP, LOG_NOT_KEPT, LOG_RESULTS, N_LOG_KINDS };

struct logger {
    bus_log_callback callback; /* NULL: nothing is logged */
    void *user;
    struct log_limit {
        atomic_uint_fast64_t next_ns;    /* CLOCK_MONOTONIC; nothing is logged before */
        atomic_uint_fast64_t n_withheld; /* since the last line */
    } limits[N_LOG_KINDS];
};

/* No lock may be held: the callback is the user's. */
void log_line(struct logger *logger, enum log_kind kind, const char *format, ...) SL_PRINTF(3, 4);

#endif
