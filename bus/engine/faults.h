/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: ways to break the bus on purpose, each switched at one small site.
 *
 *     if (fault_is_set(bus->faults, FAULT_CLOSE_SKIPPED))
 *         return SL_OK;
 *
 * What a site needs beyond that stands in bus/fault, which bus.c and close.c call, and
 * the engine by its hooks.  A build without faults compiles every site away.
 */
#ifndef BUS_ENGINE_FAULTS_H
#define BUS_ENGINE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* In the order of bus_faults(); those without an equivalent can not be on. */
enum fault {
    FAULT_POOL_NOT_STOPPED,
    FAULT_IDLE_DOUBLE_POOL,
    FAULT_ORPHAN_FETCHER,
    FAULT_UNJOINED_DISPATCHER,
    FAULT_BLOCKED_SUBMITTER,
    FAULT_LOST_COMPLETION,
    FAULT_THREAD_PER_PUBLISH,
    FAULT_HELPER_THREAD_PER_BUS,
    FAULT_FETCHERS_SURVIVE_RECONNECT,
    FAULT_MONITOR_NOT_STOPPED,
    FAULT_LATE_REGISTRATION,
    FAULT_CLOSE_HOLDS_LOCK,
    FAULT_START_SELF_DEADLOCK,
    FAULT_HEALTH_STOP_HOLDS_LOCK,
    FAULT_RECONNECT_SELF_DEADLOCK,
    FAULT_CLOSE_LOCKS_OUT_HANDLERS,
    FAULT_CLOSE_WAITS_FOR_ACKS,
    FAULT_FREE_BEFORE_JOIN,
    FAULT_SPAWN_WHILE_CLOSING,
    FAULT_ACK_ON_ERROR,
    FAULT_ACK_WITHOUT_HANDLER,
    FAULT_CANCELLED_CONTEXT,
    FAULT_LIMITS_EAT_UNREAD,
    FAULT_RESULTS_DROPPED,
    FAULT_SILENT_DOWNGRADE,
    FAULT_SHARED_DURABLE,
    FAULT_REDELIVERY_REORDERS,
    FAULT_KEY_SPLIT,
    FAULT_SERIALISED_POOL,
    FAULT_LOG_STORM,
    FAULT_CLOSE_SKIPPED,
    N_FAULTS
};

typedef uint64_t fault_set;
#define FAULT_BIT(fault) ((fault_set) 1 << (fault))

/* fault_is_set: is this one on?  fault_is_any: is one of these? */
#ifdef BUS_FAULTS
static inline bool fault_is_any(fault_set faults, fault_set wanted)
{
    return faults & wanted;
}

static inline bool fault_is_set(fault_set faults, enum fault fault)
{
    return fault_is_any(faults, FAULT_BIT(fault));
}
#else
#define fault_is_any(faults, wanted) false
#define fault_is_set(faults, fault)  false
#endif

/* What a fault was selected with.  0: not given. */
struct fault_rule {
    uint64_t nth;   /* strike every so many-th time */
    double prob;    /* strike with this probability */
    uint64_t count; /* strike at most so many times */
    uint64_t delay_ns;
    uint64_t limit;
    uint64_t workers;
    char topic[132]; /* "": all */
};

/* Is the rule for this topic? */
static inline bool fault_covers(const struct fault_rule *rule, const char *topic)
{
    return !rule->topic[0] || strcmp(rule->topic, topic) == 0;
}

#endif
