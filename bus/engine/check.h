/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus's callers may give it.  All return SL_OK or SL_EINVAL with a text. */
#ifndef BUS_ENGINE_CHECK_H
#define BUS_ENGINE_CHECK_H

#include <strandline/bus.h>

/* Defaults are filled in. */
SL_CHECKED enum sl_status check_config(const struct bus_config *config, struct sl_error *err);
SL_CHECKED enum sl_status check_prefix(const char *prefix, struct sl_error *err);
/* Key and payload; the topic is looked up by the caller. */
SL_CHECKED enum sl_status check_message(const struct sl_message *message, struct sl_error *err);

#endif
