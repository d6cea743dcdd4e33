/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private server with real processes.  Every test has a temporary directory of its own,
 * which its processes carry in their environment: so the test sees whatever is left of
 * them, also of those that it was never told of.
 */
#ifndef SERVER_SCENE_H
#define SERVER_SCENE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/clock.h"
#include "harness/server/server.h"

#define PATIENCE_NS (60 * SL_NS_PER_S)

extern char server_scene_parent[]; /* the temporary directory */

void server_scene_make_parent(void);
bool server_scene_no_process_is_left(void);
bool server_scene_parent_is_empty(void);
bool server_scene_is_gone(pid_t pid);
pid_t server_scene_parent_of(pid_t pid);

struct sl_server *server_scene_start(unsigned nodes);
/* Nothing is left of a server that was stopped: checked without waiting. */
void server_scene_stop_and_check(struct sl_server *server);
/* Nothing is left, or soon will be. */
void server_scene_wait_until_nothing_is_left(void);

/* Start a process that holds a server, made by a program or by the installed one (NULL). */
pid_t server_scene_start_holder(const char *program, FILE **ret_output);
/* The same, and read what it prints once its server is ready. */
pid_t server_scene_start_holder_or_skip(const char *program, pid_t *ret_server);
void server_scene_kill_and_reap(pid_t pid);

/* A file in the temporary directory that can be executed. */
void server_scene_write_program(char path[PATH_MAX], const char *text);

#endif
