/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the faults do in place of steps of the engine; called only when one of the faults
 * that stand above a hook is on.
 */
#ifndef BUS_ENGINE_HOOKS_H
#define BUS_ENGINE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include <strandline/driver.h>

#include "bus/engine/delivery.h"
#include "bus/engine/faults.h"
#include "bus/thread/waiter.h"

#define FAULTS_OF_PUBLISHING (FAULT_BIT(FAULT_THREAD_PER_PUBLISH) | FAULT_BIT(FAULT_KEY_SPLIT))
#define FAULTS_OF_OUTCOMES                                                                         \
    (FAULT_BIT(FAULT_RESULTS_DROPPED) | FAULT_BIT(FAULT_CLOSE_WAITS_FOR_ACKS))
#define FAULTS_OF_WAITING (FAULT_BIT(FAULT_SERIALISED_POOL) | FAULT_BIT(FAULT_LOST_COMPLETION))
#define FAULTS_OF_FETCHING                                                                         \
    (FAULTS_OF_WAITING | FAULT_BIT(FAULT_SHARED_DURABLE) |                                         \
     FAULT_BIT(FAULT_FETCHERS_SURVIVE_RECONNECT))
#define FAULTS_OF_HANDLING                                                                         \
    (FAULT_BIT(FAULT_ACK_ON_ERROR) | FAULT_BIT(FAULT_ACK_WITHOUT_HANDLER) |                        \
     FAULT_BIT(FAULT_REDELIVERY_REORDERS) | FAULT_BIT(FAULT_CLOSE_LOCKS_OUT_HANDLERS) |            \
     FAULT_BIT(FAULT_LOG_STORM))

struct bus;
struct pool;
struct topic;

struct fault_hooks {
    /* FAULTS_OF_PUBLISHING: in place of the transport's publish. */
    enum sl_status (*publish)(const struct topic *topic, const struct sl_message *message,
                              const char *id, struct ticket ticket, struct sl_error *err);
    /* FAULTS_OF_OUTCOMES: is the outcome of a publish lost? */
    bool (*loses_outcome)(struct bus *bus);
    /* FAULTS_OF_FETCHING: in place of fetcher_fetch. */
    enum sl_status (*fetch)(struct topic *topic, size_t *ret_n);
    /* FAULT_BLOCKED_SUBMITTER: in place of pool_wait_room. */
    bool (*wait_room)(struct pool *pool, const struct delivery *delivery);
    /* FAULTS_OF_WAITING: the deliveries are about to be acknowledged or given back. */
    void (*complete)(struct bus *bus, const struct delivery *deliveries, size_t n);
    /* FAULT_CLOSE_LOCKS_OUT_HANDLERS: a worker is about to end. */
    void (*leave)(struct bus *bus);
    /* FAULTS_OF_HANDLING: in place of the handler of the delivery's topic. */
    enum sl_status (*handle)(const struct delivery *delivery);
};

#endif
