/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of publishing. */
#ifndef BUS_FAULT_PUBLISH_H
#define BUS_FAULT_PUBLISH_H

#include "bus/engine/internal.h"

/* Hooks of the engine. */
enum sl_status fault_publish(const struct topic *topic, const struct sl_message *message,
                             const char *id, struct ticket ticket, struct sl_error *err);
bool fault_loses_outcome(struct bus *bus);

/* Wait for lost answers, which do not come. */
void fault_wait_acks(struct bus *bus);

#endif
