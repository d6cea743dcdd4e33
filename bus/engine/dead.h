/* SPDX-License-Identifier: Apache-2.0 */
/* Dead messages: those whose handler failed as often as the configuration allows. */
#ifndef BUS_ENGINE_DEAD_H
#define BUS_ENGINE_DEAD_H

#include <stdbool.h>

#include "bus/engine/delivery.h"

/* Has a delivery that has just failed had its last try? */
bool dead_is_due(const struct delivery *failed);
/* Give it up.  @return false when it is to be tried again; else it is no longer held */
bool dead_bury(const struct delivery *delivery);

#endif
