/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crew: the agents that work for a run, as its observer leads them.
 *
 * They are found by a call over NATS and stay for the whole run.  One that is lost fails the
 * trial that it was in; before the next trial another one is looked for in its place, since
 * trials with fewer agents would not be comparable.
 */
#ifndef SL_AGENT_CREW_H
#define SL_AGENT_CREW_H

#include "base/macros.h"
#include "harness/run/agents.h"

struct sl_crew;

struct sl_crew_opts {
    const char *servers;       /* comma-separated URLs */
    uint32_t n_of[SL_N_PARTS]; /* how many; SL_PART_ALL: of either part, load if they may choose */
    uint64_t wait_ns;          /* for the agents to appear */
    int wake_fd;               /* becomes readable when the run is to stop; -1: never */
};

#define SL_CREW_MAX 64u /* agents */

/**
 * Connect, and wait until there are as many agents as asked for.
 *
 * @return SL_ECONNECT no server answers; SL_ENOENT agents are missing, the text says which;
 *         SL_ECLOSED interrupted; SL_EINVAL nobody would publish
 */
SL_CHECKED enum sl_status
sl_crew_open(const struct sl_crew_opts *opts, struct sl_crew **ret_crew, struct sl_error *err);
/* Dismiss the agents.  NULL is allowed. */
void sl_crew_close(struct sl_crew *crew);
SL_DEFINE_AUTO(sl_crew, sl_crew_close);

/* For a run; valid until the crew is closed. */
const struct sl_agents *sl_crew_agents(const struct sl_crew *crew);

#endif
