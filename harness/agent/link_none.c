/* SPDX-License-Identifier: Apache-2.0 */
/* The link of a strandline that was built without libnats: there is none. */
#include "base/fail.h"
#include "harness/agent/link.h"

enum sl_status
sl_link_open(const struct sl_link_opts *opts, struct sl_link **ret_link, struct sl_error *err)
{
    (void) opts;
    (void) ret_link;
    return sl_fail(err, SL_ENOTSUP, "agents need NATS, and this strandline was built without it");
}

void sl_link_close(struct sl_link *link)
{
    (void) link;
}

int sl_link_fd(const struct sl_link *link)
{
    (void) link;
    return -1;
}

struct sl_link_message *sl_link_take(struct sl_link *link)
{
    (void) link;
    return NULL;
}

enum sl_status sl_link_send(struct sl_link *link, const char *subject, const void *data,
                            size_t size, struct sl_error *err)
{
    (void) link;
    (void) subject;
    (void) data;
    (void) size;
    return sl_fail(err, SL_ENOTSUP, "no connection");
}
