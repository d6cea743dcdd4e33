/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of the client library as ours. */
#ifndef BUS_NATS_ERROR_H
#define BUS_NATS_ERROR_H

#include <strandline/error.h>

#include "base/macros.h"
#include "nats/library.h"

/* The format says what could not be done. */
enum sl_status jetstream_fail(struct sl_error *err, natsStatus status, const char *format, ...)
    SL_PRINTF(3, 4);

#endif
