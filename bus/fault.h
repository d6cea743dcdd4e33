/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: ways to break the bus on purpose, each switched at one site.
 *
 *     if (fault_is_set(bus->faults, FAULT_CLOSE_SKIPPED))
 *         return SL_OK;
 *
 * A build without faults compiles every site away and knows no name.
 */
#ifndef BUS_FAULT_H
#define BUS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/error.h>

#define FAULT_MAP(X)                                                                               \
    X(POOL_NOT_STOPPED, "pool-not-stopped",                                                        \
      "close neither stops nor joins the workers: all of them stay, parked in queue_pop")          \
    X(ORPHAN_FETCHER, "orphan-fetcher",                                                            \
      "close neither stops nor joins the fetchers: one per topic stays, failing to fetch and "     \
      "sleeping 1 s in turn")                                                                      \
    X(CLOSE_SKIPPED, "close-skipped",                                                              \
      "close returns at once and does nothing: every thread stays, the connection is open")

enum fault {
#define X(name, text, description) FAULT_##name,
    FAULT_MAP(X)
#undef X
        N_FAULTS
};

/* Set of faults: bit 1 << fault. */
typedef uint32_t fault_set;

static inline bool fault_is_set(fault_set faults, enum fault fault)
{
#ifdef BUS_FAULTS
    return faults >> fault & 1;
#else
    (void) faults;
    (void) fault;
    return false;
#endif
}

/* Read "NAME[,NAME...]"; NULL and "" are no fault.  SL_ENOTSUP for a name that is not known. */
SL_CHECKED enum sl_status
fault_parse(const char *names, fault_set *ret_faults, struct sl_error *err);

#endif
