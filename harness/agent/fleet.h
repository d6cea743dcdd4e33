/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fleet: the agents that work for a run, as its observer leads them.
 *
 * They are found by a call over NATS and stay for the whole run.  One that is lost fails the
 * trial that it was in; before the next trial another one is looked for in its place, since
 * trials with fewer agents would not be comparable.
 */
#ifndef SL_AGENT_FLEET_H
#define SL_AGENT_FLEET_H

#include "base/macros.h"
#include "harness/run/agents.h"

struct sl_fleet;

struct sl_fleet_opts {
    const char *servers;                      /* comma-separated URLs */
    const struct sl_credentials *credentials; /* NULL: none beside what stands in the URLs */
    uint32_t n_of[SL_N_PARTS]; /* how many; SL_PART_ALL: of either part, load if they may choose */
    uint64_t wait_ns;          /* for the agents to appear */
    int wake_fd;               /* becomes readable when the run is to stop; -1: never */
};

#define SL_FLEET_MAX 64u /* agents */

/**
 * Connect, and wait until there are as many agents as asked for.
 *
 * @return SL_ECONNECT no server answers; SL_ENOENT agents are missing, the text says which;
 *         SL_ECLOSED interrupted; SL_EINVAL nobody would publish
 */
SL_CHECKED enum sl_status
sl_fleet_open(const struct sl_fleet_opts *opts, struct sl_fleet **ret_fleet, struct sl_error *err);
/* Dismiss the agents.  NULL is allowed. */
void sl_fleet_close(struct sl_fleet *fleet);
SL_DEFINE_AUTO(sl_fleet, sl_fleet_close);

/* For a run; valid until the fleet is closed. */
const struct sl_agents *sl_fleet_agents(const struct sl_fleet *fleet);

#endif
