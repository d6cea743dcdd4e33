/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides do alike: say who they are, and send messages in parts. */
#ifndef SL_AGENT_PEER_H
#define SL_AGENT_PEER_H

#include "base/clock.h"
#include "harness/agent/link.h"
#include "harness/agent/wire.h"

/* Who was not heard of for so long is gone. */
#define SL_PEER_SILENCE_NS (5 * SL_NS_PER_S)

struct sl_peer {
    struct sl_link *link;
    char from[SL_WIRE_FROM_MAX]; /* for the messages */
};

/* "NAME on HOST" */
void sl_peer_name(struct sl_peer *peer, const char *name, const char *host);

/* "load" or "consume"; "any" for SL_PART_ALL. */
const char *sl_peer_role(enum sl_load_part part);
/* @return false for another word */
bool sl_peer_parse_role(const char *text, enum sl_load_part *ret_part);

/* Send a message, in as many parts as its body needs.  Fills in protocol, from and parts. */
SL_CHECKED enum sl_status sl_peer_send(struct sl_peer *peer, const char *subject,
                                       const struct sl_wire_header *header,
                                       const struct sl_packer *body, struct sl_error *err);

#endif
