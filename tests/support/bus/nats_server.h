/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nats-server of one test, on a port of its own choice and, when it was killed, on the
 * same one again.  Unlike the harness's it may do without JetStream.
 */
#ifndef NATS_SERVER_H
#define NATS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    char directory[64];
    char url[64];
    bool jetstream;
};

/* Start one, or skip the test when none is installed.  It dies with this process. */
void server_start(struct server *server, bool jetstream);
void server_kill(struct server *server);
/* Start a killed one again: same port, same store. */
void server_start_again(struct server *server);
/* Kill it, and remove its store. */
void server_stop(struct server *server);

#endif
