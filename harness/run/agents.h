/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents: processes elsewhere that play parts of a trial, as a trial sees them.
 *
 * How they are reached is the business of whoever fills the table.  Each agent has one part for
 * the whole run.  Of a trial it knows as much as its subject has played:
 *
 *     tell OPEN      -> OPENED  bus open, topics subscribed
 *     tell GO        -> LOADED  a publisher: everything was published and answered
 *     tell OUTCOMES  -> LOADED  a consumer, after GO: everything was handled
 *     tell CLOSE     -> CLOSED  bus closed, subject gone; its tally is final
 */
#ifndef SL_RUN_AGENTS_H
#define SL_RUN_AGENTS_H

#include "harness/load/tally.h"
#include "harness/model/result.h"
#include "harness/run/protocol.h"

enum sl_agent_stage { SL_AGENT_IDLE, SL_AGENT_OPENED, SL_AGENT_LOADED, SL_AGENT_CLOSED };
enum sl_agent_command { SL_AGENT_OPEN, SL_AGENT_GO, SL_AGENT_OUTCOMES, SL_AGENT_CLOSE };

struct sl_agents {
    void *user;                /* first argument of all below */
    int fd;                    /* readable when there is something to look at */
    uint32_t n_of[SL_N_PARTS]; /* agents of each part; the local subject is one consumer more */

    /*
     * Begin a trial, after the replacement of agents that were lost.
     *
     * @param config  of the local subject; each agent gets it with a share of its own
     * @return SL_ENOENT agents are missing, the text says which; SL_ECLOSED interrupted
     */
    enum sl_status (*begin)(void *user, const struct sl_subject_config *config,
                            struct sl_error *err);
    /* To all agents of a part. */
    enum sl_status (*tell)(void *user, enum sl_load_part part, enum sl_agent_command command,
                           const void *data, size_t size, struct sl_error *err);
    /* Take what arrived.  SL_ECONNECT when an agent failed or was lost; the text names it. */
    enum sl_status (*look)(void *user, struct sl_error *err);
    /* Name of an agent of a part that has not reached a stage, or NULL. */
    const char *(*lagging)(void *user, enum sl_load_part part, enum sl_agent_stage stage);
    /* Add what the agents of a part have told last. */
    enum sl_status (*merge)(void *user, enum sl_load_part part, struct sl_tally *into,
                            struct sl_error *err);
    /*
     * End the trial: agents that still play it stop.  Once for each begin, however that ended.
     *
     * @param ret_agents  what to report of them, in arena
     * @return how far times of two of their machines can be apart, ns; 0: one clock
     */
    uint64_t (*end)(void *user, struct sl_arena *arena, const struct sl_agent_result **ret_agents,
                    size_t *ret_n_agents);
};

#endif
