/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene of agents: a server or a cluster, agents as processes of their own, and runs that
 * they share.  In the directory of strandline_enter() lie slow.json, 40 s of load, and quick.json,
 * 400 events at once, both to 4 topics.
 */
#ifndef SL_TEST_AGENT_SCENE_H
#define SL_TEST_AGENT_SCENE_H

#include "harness/server/server.h"
#include "strandline.h"

void agent_enter(void);
void agent_leave(void);
#define AGENT_TEST(suite, name) SL_TEST(suite, name, .init = agent_enter, .fini = agent_leave)

/* Skips the test when there is no nats-server. */
void agent_server_start(unsigned nodes);
struct sl_server *agent_server(void);

/*
 * Start an agent.  What it says goes to the file NAME.log.
 *
 * @param prefix  words of a shell before the command
 * @param option  one more, or NULL
 * @return its number, from 0
 */
size_t agent_start_by(const char *prefix, const char *name, const char *role, const char *option);
size_t agent_start(const char *name, const char *role, const char *option);
pid_t agent_pid(size_t number);
/* Send it a signal, if not 0, and wait for its end.  @return exit status, or 128 + signal */
int agent_end(size_t number, int signal_number);

/* One trial, shared with `wanted` agents, into report.json. */
struct command_result agent_run_shared(const char *scenario, const char *wanted);
/* Two trials in the background, which wait 2 s for agents. */
pid_t agent_start_shared(const char *scenario, const char *wanted, const char *report);

/* The subject that a process has now; 0: none. */
pid_t agent_subject_of(pid_t parent);
/* Wait until a process has a subject whose bus is open, other than `not_this`. */
pid_t agent_wait_until_playing(pid_t parent, pid_t not_this);
void agent_wait_until_gone(pid_t subject);
/* Wait until NAME.log has a text. */
void agent_wait_until_said(const char *name, const char *text);

void agent_assert_valid(const char *report);
/* Nothing lost, nothing out of order, one sample of each kind for each message. */
void agent_assert_whole(const json_t *trial, long n_events);

#endif
