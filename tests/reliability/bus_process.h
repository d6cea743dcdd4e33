/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process with a bus in it: publishes, consumes or both, and writes into the tally.
 *
 * It is forked, so the process that forks must have one thread and no bus.  It dies with
 * that process.
 */
#ifndef RELIABILITY_BUS_PROCESS_H
#define RELIABILITY_BUS_PROCESS_H

#include <sys/types.h>

#include <strandline/bus.h>

#include "tally.h"

/* A burst of messages every millisecond, about 2,000 in a second, until it is told to stop. */
#define BUS_PROCESS_BURST 2u

enum bus_role { BUS_PUBLISHES = 1, BUS_CONSUMES = 2 };

struct bus_process_plan {
    struct tally *tally;
    const char *servers;
    enum bus_mode mode;
    uint32_t replicas;
    uint64_t ack_wait_ns;
    uint64_t handler_ns; /* a call takes so long */
};

#define BUS_PROCESS_PREFIX "reliable_"
/* Topics and their streams; keys are spread over them. */
#define BUS_PROCESS_TOPICS 2u
extern const char *const bus_process_topics[BUS_PROCESS_TOPICS];

/* @return its pid, or -1 */
pid_t bus_process_start(const struct bus_process_plan *plan, unsigned roles);

/* Wait for its end.  @return whether it exited with status 0 within the time */
bool bus_process_wait(pid_t pid, uint64_t timeout_ns);

/* Kill it, wait for its end. */
void bus_process_kill(pid_t pid);

#endif
