/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private nats-server with JetStream, one node or a cluster of several: loopback, ports
 * that the system chose, open to who has its password only, store directories of its own, one per
 * node, in one directory.
 *
 * A keeper process stands between observer and server.  It holds one end of a
 * socket pair; when the observer's end closes, for whatever reason (SIGKILL
 * included), it ends every node with all its processes and removes the directory.  The nodes in
 * turn die with the keeper.  None is in the observer's process group, so that Ctrl-C reaches the
 * observer only.
 */
#ifndef SL_SERVER_H
#define SL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

struct sl_server;

struct sl_server_opts {
    const char *program;       /* NULL: "nats-server" from PATH, /usr/sbin, /usr/local/bin */
    uint64_t start_timeout_ns; /* 0: 30 s for one node, 60 s for several */
    unsigned nodes;            /* 0: 1; at most 5 */
};

/**
 * Start a server and wait until every node says of itself that JetStream is ready: storage
 * recovered, and in a cluster a leader elected and its decisions caught up with.
 *
 * First removes the directories of servers whose observer and keeper were killed at
 * once: the only way to leave one behind.  (So would be what a node started, where the node is a
 * script.)
 *
 * @param opts  NULL for the defaults
 *
 * @return SL_ENOENT    no nats-server is installed; the text says how to install it and that
 *                      `--transport memory` needs none
 *         SL_EGONE     it ended before it was ready; the text has what its log says about it
 *         SL_ETIMEDOUT it did not become ready; the same
 *         SL_ESYS, SL_EPERM, SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_server_start(const struct sl_server_opts *opts,
                                          struct sl_server **ret_server, struct sl_error *err);

/*
 * End server and keeper, remove the store directory, free.  Takes some 5 s at most.  The
 * server is killed, not asked: what it would save is removed.  NULL is allowed.
 */
void sl_server_stop(struct sl_server *server);
static inline void sl_server_free(struct sl_server *server)
{
    sl_server_stop(server);
}
SL_DEFINE_AUTO(sl_server, sl_server_free);

/* "nats://USER:PASSWORD@127.0.0.1:PORT", comma-separated over the nodes: nobody else has the
   password, so it is not for reports.  Valid until the stop. */
const char *sl_server_url(const struct sl_server *server);
/* "2.9.10", or "" when it would not say. */
const char *sl_server_version(const struct sl_server *server);
const char *sl_server_directory(const struct sl_server *server);
pid_t sl_server_pid(const struct sl_server *server, unsigned node);

/*
 * Can it still work: does the majority of its nodes run?  Never blocks.  A cluster that lost
 * fewer goes on without them; streams with as many replicas as nodes lose nothing.
 */
bool sl_server_is_alive(const struct sl_server *server);

/**
 * Start the nodes that ended again, with the ports and stores they had, and wait until every
 * node is ready.
 *
 * @return as sl_server_start, without SL_ENOENT
 */
SL_CHECKED enum sl_status sl_server_restart(struct sl_server *server, struct sl_error *err);

/**
 * Ask servers that somebody else runs which version they are; the first one that answers is
 * believed.
 *
 * Looking up a host name is not covered by the timeout.
 *
 * @param servers      "nats://[USER[:PASSWORD]@]HOST[:PORT][,...]"; "nats://" may be left out
 * @param timeout_ns   per server
 * @param ret_version  "2.9.10", or "" when it would not say or size bytes are too few
 *
 * @return SL_EINVAL   not such a list
 *         When none answers, what was wrong with the first; the text has its URL, without the
 *         password:
 *         SL_ECONNECT no connection, or it said nothing in time
 *         SL_EPROTO   it does not speak NATS
 */
SL_CHECKED enum sl_status sl_server_probe(const char *servers, uint64_t timeout_ns,
                                          char *ret_version, size_t size, struct sl_error *err);

/**
 * Ask servers that somebody else runs, all that say what they are, whether they also go on: a
 * client library may wait without end for one that does not.  They see a client without
 * credentials.
 *
 * @param servers     as above; what is no list is for the probe to tell
 * @param timeout_ns  per server
 *
 * @return SL_ETIMEDOUT one does not answer a PING, or asks for TLS and does not answer that
 *         SL_EPROTO    one does not speak NATS after its first words
 */
SL_CHECKED enum sl_status
sl_server_ask(const char *servers, uint64_t timeout_ns, struct sl_error *err);

#endif
