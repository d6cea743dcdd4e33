/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/nats/connect.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/url.h"
#include "bus/nats/error.h"
#include "nats/access.h"

/*
 * A server that does not read for so long is disconnected.  Not after a short pause: what it
 * has not read of the old connection it would store beside what comes on the new one, in any
 * order.
 */
#define WRITE_DEADLINE_MS 7000

#define CONNECT_MS       2000
#define RECONNECT_MS     100          /* first pause after all servers were tried; it doubles... */
#define RECONNECT_MAX_MS 1600         /* ...up to this */
#define IO_BUFFER        (128 * 1024) /* read or written at once; the library's own is 32 KiB */

/* The library would print asynchronous errors; what they mean shows in outcomes and reconnects. */
static void ignore_error(natsConnection *connection, natsSubscription *subscription,
                         natsStatus status, void *closure)
{
    (void) connection;
    (void) subscription;
    (void) status;
    (void) closure;
}

/*
 * How long to wait, in ms, after all servers were tried so many times in vain: some part of it
 * is left to chance, so that the buses of a server that died do not come back all at once.
 */
static int64_t back_off(natsConnection *connection, int n_tries, void *closure)
{
    int64_t most_ms = RECONNECT_MS;
    unsigned char chance = 0;

    (void) connection;
    (void) closure;
    while (--n_tries > 0 && most_ms < RECONNECT_MAX_MS)
        most_ms *= 2;
    (void) getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* if there is none yet, none */
    return most_ms / 2 + most_ms * chance / (2 * UCHAR_MAX);
}

static natsStatus
set_options(natsOptions *options, const char *servers, const struct sl_credentials *credentials)
{
    natsStatus status = sl_nats_set_access(options, servers, credentials);
    if (!status)
        status = natsOptions_SetTimeout(options, CONNECT_MS);
    if (!status)
        status = natsOptions_SetIOBufSize(options, IO_BUFFER);
    if (!status)
        status = natsOptions_SetWriteDeadline(options, WRITE_DEADLINE_MS);
    if (!status)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (!status)
        status = natsOptions_SetCustomReconnectDelay(options, back_off, NULL);
    if (!status)
        status = natsOptions_UseOldRequestStyle(options, true); /* the new one keeps a thread */
    if (!status)
        status = natsOptions_SetErrorHandler(options, ignore_error, NULL);
    return status;
}

/*
 * Let the threads that this one is going to start not interrupt others: they run when a
 * processor is free or their turn has come, no less often.  Otherwise the library's collector,
 * which each freed message wakes up, takes the processor from whoever frees messages, for one
 * message at a time, while that one holds the lock both need; and its read loop takes it from
 * the server for a few messages at a time.
 *
 * @return whether the policy was changed
 */
static bool begin_batch_policy(void)
{
    const struct sched_param none = {0};
    return sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_BATCH, &none) == 0;
}

static void end_batch_policy(bool changed)
{
    const struct sched_param none = {0};
    if (changed)
        (void) sched_setscheduler(0, SCHED_OTHER, &none);
}

enum sl_status jetstream_connect(const struct transport_config *config,
                                 natsConnection **ret_connection, struct sl_error *err)
{
    natsOptions *options = NULL;

    if (!config->servers || !*config->servers)
        return sl_fail(err, SL_EINVAL, "transport 'nats' needs the URL of a server");
    SL_AUTO_FREE char *shown = strdup(config->servers);
    if (!shown)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of servers");
    sl_url_hide_list(shown);
    enum sl_status loaded = sl_nats_load(err);
    if (loaded)
        return loaded;
    bool changed = begin_batch_policy();
    natsStatus status = natsOptions_Create(&options); /* opens the library when it is the first */
    if (!status)
        status = set_options(options, config->servers, config->credentials);
    if (!status)
        status = natsConnection_Connect(ret_connection, options);
    end_batch_policy(changed);
    natsOptions_Destroy(options);
    return status ? jetstream_fail(err, status, "cannot connect to '%s'", shown) : SL_OK;
}

uint64_t jetstream_count_reconnects(natsConnection *connection)
{
    natsStatistics *statistics = NULL;
    uint64_t reconnects = 0;
    if (natsStatistics_Create(&statistics) == NATS_OK &&
        natsConnection_GetStats(connection, statistics) == NATS_OK)
        (void) natsStatistics_GetCounts(statistics, NULL, NULL, NULL, NULL, &reconnects);
    natsStatistics_Destroy(statistics);
    return reconnects;
}
