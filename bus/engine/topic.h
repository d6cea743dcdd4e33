/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of a bus: what is in one, and finding them by name. */
#ifndef BUS_ENGINE_TOPIC_H
#define BUS_ENGINE_TOPIC_H

#include "bus/engine/internal.h"

struct topic *topic_find(const struct bus *bus, const char *name);

/* Zeroed memory; its name is for the caller to set. */
void topic_init(struct topic *topic, struct bus *bus, size_t index);
/* The batch and the router, unless they are there. */
SL_CHECKED enum sl_status topic_allocate(struct topic *topic, struct sl_error *err);
void topic_release(struct topic *topic);

#endif
