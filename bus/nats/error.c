/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/nats/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/fail.h"
#include "nats/access.h"

static enum sl_status status_of(natsStatus status)
{
    switch (status) {
    case NATS_OK:
        return SL_OK;
    case NATS_NO_MEMORY:
        return SL_ENOMEM;
    case NATS_INVALID_ARG:
    case NATS_MAX_PAYLOAD:
        return SL_EINVAL;
    case NATS_NO_RESPONDERS: /* only asked of JetStream: there is none */
    case NATS_NO_SERVER_SUPPORT:
        return SL_ENOTSUP;
    case NATS_ERR: /* an answer that says no */
    case NATS_NOT_FOUND:
        return SL_EPROTO;
    default:
        return SL_ECONNECT;
    }
}

enum sl_status jetstream_fail(struct sl_error *err, natsStatus status, const char *format, ...)
{
    char what[160];
    va_list args;
    va_start(args, format);
    (void) vsnprintf(what, sizeof what, format, args);
    va_end(args);
    char detail[256];
    if (status == NATS_NO_RESPONDERS)
        (void) snprintf(detail, sizeof detail, "the server has no JetStream");
    else
        (void) sl_nats_describe(status, detail, sizeof detail);
    return sl_fail(err, status_of(status), "%s: %s", what, detail);
}
