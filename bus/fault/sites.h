/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the faults do, for their sites; call them only when fault_is_set or fault_is_any
 * says so.  The names that are not static on purpose are those that people find on the
 * stack of a broken bus.
 */
#ifndef BUS_FAULT_SITES_H
#define BUS_FAULT_SITES_H

#include "bus/engine/internal.h"

/* Faults that share a site. */
#define FAULTS_OF_OPENING                                                                          \
    (FAULT_BIT(FAULT_HELPER_THREAD_PER_BUS) | FAULT_BIT(FAULT_START_SELF_DEADLOCK))
#define FAULTS_OF_SUBSCRIBING                                                                      \
    (FAULT_BIT(FAULT_IDLE_DOUBLE_POOL) | FAULT_BIT(FAULT_SHARED_DURABLE) |                         \
     FAULT_BIT(FAULT_LATE_REGISTRATION))
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

/* fault_open.c: at the end of bus_open and of bus_subscribe.  What is made stays for Close. */
SL_CHECKED enum sl_status fault_open(struct bus *bus, struct sl_error *err);
SL_CHECKED enum sl_status fault_subscribe(struct topic *topic, struct sl_error *err);

/* fault_publish.c */
/* In place of the transport's publish. */
enum sl_status fault_publish(const struct topic *topic, const struct sl_message *message,
                             const char *id, struct ticket ticket, struct sl_error *err);
/* Is the outcome of a publish lost? */
bool fault_loses_outcome(struct bus *bus);
/* Wait for lost answers, which do not come. */
void fault_wait_acks(struct bus *bus);

/* fault_fetch.c */
/* In place of fetcher_fetch. */
enum sl_status fault_fetch(struct topic *topic, size_t *ret_n);
/* In place of pool_wait_room. */
bool fault_wait_room(struct pool *pool, const struct delivery *delivery);
/* The deliveries are about to be acknowledged or given back. */
void fault_complete(struct bus *bus, const struct delivery *deliveries, size_t n);

/* fault_handle.c: in place of the handler of the delivery's topic. */
enum sl_status fault_handle(const struct delivery *delivery);

/* fault_twin.c: a second fetcher of a topic, started unless `start` is false. */
SL_CHECKED enum sl_status fault_twin_new(struct topic *topic, bool survives, bool start,
                                         struct topic **ret_twin, struct sl_error *err);
void fault_twin_free(struct fault_twin *twin);

/* fault_close.c */
/* Stop the monitor and join it. */
void fault_join_under_lock(struct bus *bus);
/* End what the faults of subscribing made, as far as Close knows of it. */
void fault_end_subscribing(struct bus *bus, uint64_t drain_ns, uint64_t deadline_ns);
void fault_free_queues(struct bus *bus);
void fault_end_pools_locked(struct bus *bus);
void fault_spawn_worker(struct bus *bus);

/* fault_thread.c: start a detached thread; the name is cut after 15 bytes. */
SL_CHECKED enum sl_status fault_thread_start(struct bus *bus, const char *name,
                                             void (*run)(void *argument), void *argument,
                                             struct sl_error *err);

#endif
