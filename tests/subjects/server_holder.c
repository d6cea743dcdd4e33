/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An observer that does nothing but hold a server, to be killed.
 *
 * Its argument is the program of the server; without one it is the installed one.
 * Prints "PID DIRECTORY URL VERSION" of the server once it is ready, and waits for ever.
 * Exits with status 3, and the reason on stderr, when there is no server to hold.
 */
#include <stdio.h>
#include <unistd.h>

#include "harness/server/server.h"

int main(int argc, char **argv)
{
    const struct sl_server_opts opts = {.program = argc > 1 ? argv[1] : NULL};
    struct sl_error err = {0};
    SL_AUTO(sl_server) struct sl_server *server = NULL;

    enum sl_status status = sl_server_start(&opts, &server, &err);
    if (status) {
        (void) fprintf(stderr, "server_holder: %s: %s\n", sl_status_text(status), err.text);
        return 3;
    }
    (void) printf("%ld %s %s %s\n", (long) sl_server_pid(server, 0), sl_server_directory(server),
                  sl_server_url(server), sl_server_version(server));
    (void) fflush(stdout);
    for (;;)
        (void) pause();
}
