/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of closing. */
#ifndef BUS_FAULT_CLOSE_H
#define BUS_FAULT_CLOSE_H

#include "bus/engine/internal.h"

/* Stop the monitor and join it. */
void fault_join_under_lock(struct bus *bus);
/* End what the faults of subscribing made, as far as Close knows of it. */
void fault_end_subscribing(struct bus *bus, uint64_t drain_ns, uint64_t deadline_ns);
void fault_free_queues(struct bus *bus);
void fault_end_pools_locked(struct bus *bus);
void fault_spawn_worker(struct bus *bus);

#endif
