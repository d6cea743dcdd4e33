/* SPDX-License-Identifier: Apache-2.0 */
#include "nats_server.h"

#include "sl_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "until.h"

#define START_NS (60 * SL_NS_PER_S)

/* Where nats-server is, or NULL. */
static const char *server_program(void)
{
    static const char *const places[] = {"/usr/sbin/nats-server", "/usr/bin/nats-server",
                                         "/usr/local/bin/nats-server"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], X_OK) == 0)
            return places[i];
    }
    return NULL;
}

/* Read the URL from the file in which the server writes its ports. */
static bool read_url(struct server *server)
{
    char path[128], text[256] = "";
    (void) snprintf(path, sizeof path, "%s/nats-server_%d.ports", server->directory,
                    (int) server->pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void) fclose(file);
    const char *url = strstr(text, "nats://");
    return size > 0 && url && strchr(url, '"') && sscanf(url, "%63[^\"]", server->url) == 1;
}

/* Start the server on a port (-1: the system chooses).  The child dies with this process. */
static void server_run(struct server *server, const char *port)
{
    server->pid = fork();
    cr_assert_neq(server->pid, -1);
    if (server->pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_WRONLY);
        (void) dup2(null, STDOUT_FILENO);
        (void) dup2(null, STDERR_FILENO);
        (void) execl(server_program(), "nats-server", "-a", "127.0.0.1", "-p", port,
                     "--ports_file_dir", server->directory, server->jetstream ? "-js" : NULL, "-sd",
                     server->directory, NULL);
        _exit(127);
    }
    cr_assert(sl_test_until(read_url(server), START_NS), "the server does not start");
}

void server_start(struct server *server, bool jetstream)
{
    if (!server_program())
        cr_skip_test("no nats-server is installed");
    *server = (struct server){.jetstream = jetstream};
    (void) strcpy(server->directory, "/tmp/test_bus_nats_XXXXXX");
    cr_assert(mkdtemp(server->directory));
    server_run(server, "-1");
}

void server_kill(struct server *server)
{
    (void) kill(server->pid, SIGKILL);
    (void) waitpid(server->pid, NULL, 0);
}

void server_start_again(struct server *server)
{
    char port[8];
    (void) snprintf(port, sizeof port, "%s", strrchr(server->url, ':') + 1);
    *server->url = '\0';
    server_run(server, port);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void) status;
    (void) type;
    (void) walk;
    return remove(path);
}

void server_stop(struct server *server)
{
    server_kill(server);
    (void) nftw(server->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
