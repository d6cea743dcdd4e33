/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing, for the bus's own parts; bus_publish.h has what callers use. */
#ifndef BUS_ENGINE_PUBLISH_H
#define BUS_ENGINE_PUBLISH_H

#include "bus/engine/internal.h"

/* As bus_publish; id: of the message, for a broker that stores it once; NULL: its own. */
SL_CHECKED enum sl_status publish_message(struct bus *bus, const struct sl_message *message,
                                          const char *id, struct ticket ticket,
                                          struct sl_error *err);
/* By a thread of the bus, also while the bus closes.  @return false when it was not handed over */
bool publish_dead(struct bus *bus, const struct topic *topic, const struct sl_message *message,
                  struct waiter *waiter);
/* For the transport; user is the bus. */
void publish_settle(void *user, struct ticket ticket, enum sl_publish_outcome outcome);

#endif
