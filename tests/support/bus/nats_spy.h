/* SPDX-License-Identifier: Apache-2.0 */
/* A client of a nats-server that speaks just enough of the protocol to listen and to ask. */
#ifndef NATS_SPY_H
#define NATS_SPY_H

#include <stdbool.h>
#include <stddef.h>

struct nats_spy {
    int fd;
    unsigned n_messages; /* headers of messages seen */
    char tail[8];        /* of what was read last, because a header may be cut in two */
};

/* Connect, and listen to a subject unless it is NULL.  @return false when it can not */
bool nats_spy_open(struct nats_spy *spy, const char *url, const char *subject);
void nats_spy_close(struct nats_spy *spy);

/* How many messages have come, this moment included. */
unsigned nats_spy_count(struct nats_spy *spy);

/* Publish; on return the server has seen it. */
bool nats_spy_publish(struct nats_spy *spy, const char *subject, const char *payload);

#endif
