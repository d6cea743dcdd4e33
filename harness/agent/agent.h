/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agent: waits for observers that call over NATS, and plays parts of their trials.
 *
 * It works for one observer at a time.  Of one that falls silent it drops the trial, and waits
 * for the next.  Its subjects die with it.
 */
#ifndef SL_AGENT_H
#define SL_AGENT_H

#include <strandline/error.h>

#include "harness/run/protocol.h"

struct sl_agent_opts {
    const char *servers;                      /* comma-separated URLs */
    const struct sl_credentials *credentials; /* NULL: none beside what stands in the URLs */
    const char *name;                         /* NULL: host and process id */
    enum sl_load_part part;                   /* the one it plays; SL_PART_ALL: what is asked for */
    bool once;                                /* return when a run is over */
    uint64_t max_ns; /* a run in which so long no trial began is dropped; 0: never */
    int wake_fd;     /* becomes readable when the agent is to end */
    /* What happens, for people: one line without its end.  Or NULL. */
    void (*say)(void *user, const char *text);
    void *user;
};

/**
 * @return SL_OK       wake_fd became readable, or, with `once`, a run was over
 *         SL_EGONE    with `once`: the observer fell silent
 *         SL_ETIMEDOUT with `once`: a trial took longer than max_ns
 *         SL_ECONNECT no server answers; one that stops to answer later is waited for
 */
SL_CHECKED enum sl_status sl_agent_run(const struct sl_agent_opts *opts, struct sl_error *err);

#endif
