/* SPDX-License-Identifier: Apache-2.0 */
/* The places of a fleet, the agents that have them, and what these say. */
#ifndef SL_AGENT_FLEET_MEMBER_H
#define SL_AGENT_FLEET_MEMBER_H

#include <pthread.h>

#include "harness/agent/clock.h"
#include "harness/agent/peer.h"
#include "harness/run/agents.h"

enum member_state { MEMBER_FREE, MEMBER_ASKED, MEMBER_HIRED };

/* A place in the fleet, and the agent that has it. */
struct member {
    enum sl_load_part part; /* SL_PART_ALL until an agent decides it */
    bool part_fixed;        /* stays with the place when its agent goes */
    uint32_t number;        /* of those with this part */
    enum member_state state;
    uint64_t id, asked_ns;
    struct sl_wire_offer offer;

    /* Of the trial that is played. */
    bool told_to_open;
    enum sl_agent_stage stage;
    bool stopped;
    struct sl_tally *tally; /* or NULL */
    struct sl_wire_body body;
    struct sl_clock_estimate before; /* the load */

    /* Under fleet->mutex. */
    uint64_t heard_ns;
    struct sl_clock_estimate clock; /* since it was last reset */
};

struct sl_fleet {
    uint64_t wait_ns; /* for agents to appear */
    int wake_fd;      /* becomes readable when the run is to stop; -1: never */
    struct sl_agents agents;
    struct sl_peer peer;
    uint64_t run, trial;
    struct sl_subject_config config; /* of the trial, without shares */
    struct member *members;
    size_t n_members;
    bool short_handed;                   /* the last look for agents found too few */
    char foreign[SL_WIRE_FROM_MAX + 64]; /* an agent of another version that answered; "" none */
    /* What went wrong in this trial first; "" nothing did. */
    char failure[SL_WIRE_TEXT_MAX + SL_WIRE_FROM_MAX];

    /* What the threads of the link and the one that pings share; no other lock is taken under it.
     */
    pthread_mutex_t mutex;
    pthread_cond_t heard; /* a PONG came */
    bool ending;
    pthread_t heart;
    bool heart_beats;
};

/* To one agent.  What can not be sent is found by the missing answer. */
void fleet_send(struct sl_fleet *fleet, const struct member *member, enum sl_wire_kind kind,
                const struct sl_packer *body);

/* Deal with one message of an agent.  @return false when none is queued */
bool fleet_take(struct sl_fleet *fleet);

/* Nobody has this place any more. */
void fleet_set_free(struct sl_fleet *fleet, struct member *member);

/* The agent is gone: its place is free.  Fails the trial. */
void fleet_lose(struct sl_fleet *fleet, struct member *member, const char *why);

/*
 * Call for agents until every place is taken.
 *
 * @return SL_ENOENT after wait_ns, the text says who is missing; SL_ECLOSED interrupted
 */
SL_CHECKED enum sl_status
fleet_hire(struct sl_fleet *fleet, uint64_t wait_ns, struct sl_error *err);

#endif
