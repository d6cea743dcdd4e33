/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link: a connection to NATS whose messages are taken like records from a pipe.
 *
 * The client library receives on threads of its own.  They queue what comes, and a descriptor
 * says so, so that one poll() waits for messages, subjects and signals alike.  When the
 * connection breaks, the library makes another one, to any server of the list; what was
 * under way is lost.
 */
#ifndef SL_AGENT_LINK_H
#define SL_AGENT_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <strandline/driver.h>

#include "base/macros.h"

struct sl_link;

struct sl_link_opts {
    const char *servers;                      /* comma-separated URLs */
    const struct sl_credentials *credentials; /* NULL: none beside what stands in the URLs */
    const char *name;                         /* of the connection, for the server's own lists */
    const char *subjects[2];                  /* to listen on; NULL: none */
    /*
     * Called on a thread of the library with each message that comes, one at a time.
     * @return true when it was dealt with; else it is queued
     */
    bool (*intercept)(void *user, const void *data, size_t size);
    void *user;
};

/**
 * @return SL_ECONNECT no server answers, SL_EINVAL not a list of servers, SL_ENOMEM;
 *         SL_ETIMEDOUT, SL_EPROTO as sl_server_ask;
 *         SL_ENOTSUP strandline was built without libnats
 */
SL_CHECKED enum sl_status
sl_link_open(const struct sl_link_opts *opts, struct sl_link **ret_link, struct sl_error *err);
/* Sends what was not sent yet, at most for a second.  NULL is allowed. */
void sl_link_close(struct sl_link *link);
SL_DEFINE_AUTO(sl_link, sl_link_close);

/* Readable while a message is queued. */
int sl_link_fd(const struct sl_link *link);

struct sl_link_message {
    struct sl_link_message *next;
    size_t size;
    unsigned char data[];
};

/* The oldest message that is queued, for the caller to free(); NULL: none. */
struct sl_link_message *sl_link_take(struct sl_link *link);

/* Any thread.  While the connection is being made again, the message waits; SL_ECONNECT when there
   are too many of them. */
SL_CHECKED enum sl_status sl_link_send(struct sl_link *link, const char *subject, const void *data,
                                       size_t size, struct sl_error *err);

#endif
