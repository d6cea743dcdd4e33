/* SPDX-License-Identifier: Apache-2.0 */
#include "server_harm.h"
#include "stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define DEATH_PATIENCE_MS 30000

void server_harm_kill(struct sl_server *server, unsigned node)
{
    struct pollfd ended = {.fd = pidfd_open(sl_server_pid(server, node), 0), .events = POLLIN};

    (void) kill(sl_server_pid(server, node), SIGKILL);
    (void) poll(&ended, 1, DEATH_PATIENCE_MS);
    (void) close(ended.fd);
}

void server_harm_pause(struct sl_server *server, unsigned node)
{
    (void) sl_test_stop(sl_server_pid(server, node));
}

void server_harm_resume(struct sl_server *server, unsigned node)
{
    (void) kill(sl_server_pid(server, node), SIGCONT);
}
