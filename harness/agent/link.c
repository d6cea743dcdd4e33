/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/link.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/server/server.h"
#include "nats/access.h"

#define CONNECT_MS     2000
#define ASK_NS         (5 * SL_NS_PER_S)
#define RECONNECT_MS   100
#define FLUSH_MS       1000
#define SHUT_DOWN_MS   2000
#define MAX_QUEUED     4096                 /* messages; */
#define MAX_QUEUED_MEM ((size_t) 128 << 20) /* a peer that sends more than is taken loses them */

struct sl_link {
    natsConnection *connection;
    natsSubscription *subscriptions[SL_COUNT_OF(((struct sl_link_opts *) 0)->subjects)];
    bool (*intercept)(void *user, const void *data, size_t size);
    void *user;
    int fd; /* counts the messages in the queue */

    pthread_mutex_t mutex; /* what is below; no other lock is taken under it */
    struct sl_link_message *first, **last;
    size_t n_queued, n_bytes;
};

static enum sl_status fail(struct sl_error *err, natsStatus status, const char *what)
{
    char detail[200];

    return sl_fail(err,
                   status == NATS_NO_MEMORY     ? SL_ENOMEM
                   : status == NATS_INVALID_ARG ? SL_EINVAL
                                                : SL_ECONNECT,
                   "%s: %s", what, sl_nats_describe(status, detail, sizeof detail));
}

static void queue(struct sl_link *link, const void *data, size_t size)
{
    const uint64_t one = 1;
    struct sl_link_message *message = malloc(sizeof *message + size);

    if (!message)
        return; /* lost, like one that the network lost */
    message->next = NULL;
    message->size = size;
    memcpy(message->data, data, size);
    pthread_mutex_lock(&link->mutex);
    bool fits = link->n_queued < MAX_QUEUED && link->n_bytes + size <= MAX_QUEUED_MEM;
    if (fits) {
        *link->last = message;
        link->last = &message->next;
        link->n_queued++;
        link->n_bytes += size;
        ssize_t written = write(link->fd, &one, sizeof one);
        (void) written; /* the counter does not overflow with so few */
    }
    pthread_mutex_unlock(&link->mutex);
    if (!fits)
        free(message);
}

static void
on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *msg, void *closure)
{
    struct sl_link *link = closure;
    const void *data = natsMsg_GetData(msg);
    size_t size = (size_t) natsMsg_GetDataLength(msg);

    (void) connection;
    (void) subscription;
    if (data && !link->intercept(link->user, data, size))
        queue(link, data, size);
    natsMsg_Destroy(msg);
}

/* The library would print asynchronous errors; what they mean shows in missing answers. */
static void ignore_error(natsConnection *connection, natsSubscription *subscription,
                         natsStatus status, void *closure)
{
    (void) connection;
    (void) subscription;
    (void) status;
    (void) closure;
}

static natsStatus set_options(natsOptions *options, const struct sl_link_opts *opts)
{
    natsStatus status = sl_nats_set_access(options, opts->servers, opts->credentials);
    if (!status)
        status = natsOptions_SetName(options, opts->name);
    if (!status)
        status = natsOptions_SetTimeout(options, CONNECT_MS);
    if (!status)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (!status)
        status = natsOptions_SetReconnectWait(options, RECONNECT_MS);
    if (!status)
        status = natsOptions_SetErrorHandler(options, ignore_error, NULL);
    if (!status)
        status = natsOptions_SetSendAsap(options, true); /* round trips tell the clocks apart */
    return status;
}

static enum sl_status
connect_link(struct sl_link *link, const struct sl_link_opts *opts, struct sl_error *err)
{
    natsOptions *options = NULL;

    natsStatus status = natsOptions_Create(&options);
    if (!status)
        status = set_options(options, opts);
    if (!status)
        status = natsConnection_Connect(&link->connection, options);
    natsOptions_Destroy(options);
    for (size_t i = 0; !status && i < SL_COUNT_OF(opts->subjects); i++)
        if (opts->subjects[i])
            status = natsConnection_Subscribe(&link->subscriptions[i], link->connection,
                                              opts->subjects[i], on_message, link);
    if (!status)
        status = natsConnection_FlushTimeout(link->connection, CONNECT_MS);
    return status ? fail(err, status, "cannot connect to NATS") : SL_OK;
}

enum sl_status
sl_link_open(const struct sl_link_opts *opts, struct sl_link **ret_link, struct sl_error *err)
{
    enum sl_status status = sl_nats_load(err);
    if (status)
        return status;
    SL_AUTO(sl_link) struct sl_link *link = calloc(1, sizeof *link);
    if (!link)
        return sl_fail(err, SL_ENOMEM, "out of memory for a connection");
    (void) pthread_mutex_init(&link->mutex, NULL);
    link->last = &link->first;
    link->intercept = opts->intercept;
    link->user = opts->user;
    link->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    if (link->fd < 0)
        return sl_fail_errno(err, "cannot create an event descriptor");
    status = sl_server_ask(opts->servers, ASK_NS, err);
    if (!status)
        status = connect_link(link, opts, err);
    if (status)
        return status;
    *ret_link = SL_TAKE(link);
    return SL_OK;
}

void sl_link_close(struct sl_link *link)
{
    if (!link)
        return;
    if (link->connection)
        (void) natsConnection_FlushTimeout(link->connection, FLUSH_MS);
    natsConnection_Close(link->connection);
    for (size_t i = 0; i < SL_COUNT_OF(link->subscriptions); i++)
        natsSubscription_Destroy(link->subscriptions[i]);
    natsConnection_Destroy(link->connection);
    /* Ends the threads that call on_message.  As long as one may, the link has to stay. */
    if (nats_CloseAndWait(SHUT_DOWN_MS) == NATS_TIMEOUT)
        return;
    for (struct sl_link_message *message; (message = sl_link_take(link));)
        free(message);
    sl_fd_closep(&link->fd);
    (void) pthread_mutex_destroy(&link->mutex);
    free(link);
}

int sl_link_fd(const struct sl_link *link)
{
    return link->fd;
}

struct sl_link_message *sl_link_take(struct sl_link *link)
{
    uint64_t one;

    pthread_mutex_lock(&link->mutex);
    struct sl_link_message *message = link->first;
    if (message) {
        link->first = message->next;
        if (!link->first)
            link->last = &link->first;
        link->n_queued--;
        link->n_bytes -= message->size;
        ssize_t got = read(link->fd, &one, sizeof one);
        (void) got; /* the counter stands at the length of the queue */
    }
    pthread_mutex_unlock(&link->mutex);
    return message;
}

enum sl_status sl_link_send(struct sl_link *link, const char *subject, const void *data,
                            size_t size, struct sl_error *err)
{
    natsStatus status = natsConnection_Publish(link->connection, subject, data, (int) size);
    return status ? fail(err, status, "cannot send to NATS") : SL_OK;
}
