/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What observer and agents say to each other over NATS.
 *
 *     observer -> strandline.call         CALL     who is free?
 *     agent    -> observer                OFFER    I am
 *     observer -> agent                   HIRE     then work for this run
 *     agent    -> observer                HIRED, or REFUSED: it works for another one
 *     observer -> agent                   DISMISS  the run is over
 *     agent    -> observer                LEAVE    the agent ends
 *     observer -> agent, and back         PING, PONG, all the time; both miss the other by them
 *     observer -> agent                   OPEN, GO, OUTCOMES, CLOSE, STOP: a trial (run/agents.h)
 *     agent    -> observer                STAGE, FAILED, STOPPED
 *
 * An observer listens on strandline.observer.RUN, an agent on strandline.agent.AGENT, both 16
 * hexadecimal digits.  Numbers and texts are packed as in base/pack.h.  Every message begins
 * with
 *
 *     "SLAG"   then, the same in every version:
 *     protocol, run, text `from`: who says this, for people
 *     kind, agent, trial, part from 0, more: 1 when another part of the body follows
 *
 * and the rest is body: of OPEN a config (wire_config.c), of OUTCOMES packed states
 * (run/tally.h), of STAGE the stage and, from LOADED on, a packed tally.  Nothing in a message
 * is believed before it was checked.
 */
#ifndef SL_AGENT_WIRE_H
#define SL_AGENT_WIRE_H

#include "base/pack.h"
#include "harness/run/protocol.h"

#define SL_WIRE_PROTOCOL    2u
#define SL_WIRE_CALL        "strandline.call"
#define SL_WIRE_SUBJECT_MAX 64
#define SL_WIRE_FROM_MAX    192
#define SL_WIRE_TEXT_MAX    320
#define SL_WIRE_NAME_MAX    64
/* Of a whole body, however many parts; and of one part, well below what servers allow. */
#define SL_WIRE_BODY_MAX ((size_t) 64 << 20)
#define SL_WIRE_PART_MAX ((size_t) 256 << 10)

enum sl_wire_kind {
    SL_WIRE_KIND_CALL = 1,
    SL_WIRE_KIND_OFFER,
    SL_WIRE_KIND_HIRE,
    SL_WIRE_KIND_HIRED,
    SL_WIRE_KIND_REFUSED,
    SL_WIRE_KIND_DISMISS,
    SL_WIRE_KIND_LEAVE,
    SL_WIRE_KIND_PING,
    SL_WIRE_KIND_PONG,
    SL_WIRE_KIND_OPEN,
    SL_WIRE_KIND_GO,
    SL_WIRE_KIND_OUTCOMES,
    SL_WIRE_KIND_CLOSE,
    SL_WIRE_KIND_STOP,
    SL_WIRE_KIND_STAGE,
    SL_WIRE_KIND_FAILED,
    SL_WIRE_KIND_STOPPED,
    SL_WIRE_N_KINDS
};

struct sl_wire_header {
    unsigned protocol; /* when it is not SL_WIRE_PROTOCOL, only run and from are known besides */
    uint64_t run;
    char from[SL_WIRE_FROM_MAX];
    enum sl_wire_kind kind;
    uint64_t agent, trial;
    uint32_t part;
    bool more;
};

void sl_wire_pack_header(const struct sl_wire_header *header, struct sl_packer *packer);
/* @return false when it is no message; the unpacker then stands anywhere, else at the body */
bool sl_wire_unpack_header(struct sl_unpacker *unpacker, struct sl_wire_header *ret_header);

/* OFFER */
struct sl_wire_offer {
    char name[SL_WIRE_NAME_MAX], host[SL_WIRE_NAME_MAX];
    char clock[SL_WIRE_NAME_MAX * 2]; /* which clock its times are of: clock.h */
    enum sl_load_part part;           /* the one it plays; SL_PART_ALL: either */
    uint64_t pid;
};
void sl_wire_pack_offer(const struct sl_wire_offer *offer, struct sl_packer *packer);
bool sl_wire_unpack_offer(struct sl_unpacker *unpacker, struct sl_wire_offer *ret_offer);

/* FAILED, LEAVE, REFUSED: why.  What would command a terminal becomes a question mark. */
bool sl_wire_unpack_text(struct sl_unpacker *unpacker, char *ret_text, size_t size);

void sl_wire_observer_subject(uint64_t run, char ret_subject[SL_WIRE_SUBJECT_MAX]);
void sl_wire_agent_subject(uint64_t agent, char ret_subject[SL_WIRE_SUBJECT_MAX]);

/* A body whose parts come one after the other. */
struct sl_wire_body {
    struct sl_packer bytes; /* valid until the next part is added */
    enum sl_wire_kind kind;
    uint64_t trial;
    uint32_t next;
};
/* @return true when the body is whole; parts that do not belong to it begin a new one or are lost
 */
bool sl_wire_body_add(struct sl_wire_body *body, const struct sl_wire_header *header,
                      const struct sl_unpacker *part);

#endif
