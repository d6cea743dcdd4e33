/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a NATS server says of itself: the INFO line that it sends to every connection, and its
 * answer to the question whether it is healthy.
 */
#ifndef SL_SERVER_INFO_H
#define SL_SERVER_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/url.h"

struct sl_server_info {
    char version[32]; /* "" when it did not say, or not in so few characters */
};

/**
 * Connect, read the line, disconnect.
 *
 * @param deadline_ns  CLOCK_MONOTONIC; does not cover looking up a name
 *
 * @return SL_ECONNECT no connection, or nothing was said in time
 *         SL_EPROTO   something else than NATS answers
 */
SL_CHECKED enum sl_status sl_server_info_read(const struct sl_url *address, uint64_t deadline_ns,
                                              struct sl_server_info *ret_info,
                                              struct sl_error *err);

/**
 * Does a server that sent its line go on?  Client libraries wait for its PONG, or for its part of a
 * TLS handshake, for ever.  Whether it lets anybody in is not asked: no credentials are sent.
 *
 * @return SL_ETIMEDOUT it fell silent
 *         SL_EPROTO    it sends what no server sends
 *         SL_OK        else, also when it can not be reached: clients find that in time
 */
SL_CHECKED enum sl_status
sl_server_info_ask(const struct sl_url *address, uint64_t deadline_ns, struct sl_error *err);

/*
 * Ask whether JetStream is ready, as a user of the system's account.  No answer before the
 * deadline, or within a second, is no.
 */
bool sl_server_is_healthy(const struct sl_url *server, const char *user, const char *password,
                          uint64_t deadline_ns);

#endif
