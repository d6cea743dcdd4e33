/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to nodes of a private server. */
#ifndef SERVER_HARM_H
#define SERVER_HARM_H

#include "harness/server/server.h"

/* End a node with SIGKILL and wait until it has ended. */
void server_harm_kill(struct sl_server *server, unsigned node);
/* Stop it with SIGSTOP, so that its connections stay and nothing answers; and go on. */
void server_harm_pause(struct sl_server *server, unsigned node);
void server_harm_resume(struct sl_server *server, unsigned node);

#endif
