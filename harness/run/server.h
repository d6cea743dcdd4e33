/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private nats-server with JetStream: loopback, a port that the system chose,
 * a store directory of its own.
 *
 * A keeper process stands between observer and server.  It holds the read end
 * of a pipe of the observer's; when that closes, for whatever reason (SIGKILL
 * included), it ends the server and removes the store directory.  The server in
 * turn dies with the keeper.  Neither is in the observer's process group, so that
 * Ctrl-C reaches the observer only.
 */
#ifndef SL_RUN_SERVER_H
#define SL_RUN_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

struct sl_server;

struct sl_server_opts {
    const char *program;       /* NULL: "nats-server" from PATH, /usr/sbin, /usr/local/bin */
    uint64_t start_timeout_ns; /* 0: 10 s */
};

/**
 * Start a server and wait until it accepts JetStream clients.
 *
 * @return SL_ENOENT    no nats-server is installed; the text says how to install it and that
 *                      `--transport memory` needs none
 *         SL_ETIMEDOUT it did not become ready; the text has the end of its log
 *         SL_ESYS
 */
SL_CHECKED enum sl_status sl_server_start(const struct sl_server_opts *opts,
                                          struct sl_server **ret_server, struct sl_error *err);

/* Stop server and keeper, remove the store directory, free.  NULL is allowed. */
void sl_server_stop(struct sl_server *server);
static inline void sl_server_free(struct sl_server *server)
{
    sl_server_stop(server);
}
SL_DEFINE_AUTO(sl_server, sl_server_free);

/* "nats://127.0.0.1:PORT"; valid until the stop. */
const char *sl_server_url(const struct sl_server *server);
/* "2.9.10", or "" when it would not say. */
const char *sl_server_version(const struct sl_server *server);
const char *sl_server_directory(const struct sl_server *server);
pid_t sl_server_pid(const struct sl_server *server);

/* Does it still run?  Never blocks. */
bool sl_server_is_alive(const struct sl_server *server);

#endif
