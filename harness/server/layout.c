/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/layout.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "base/macros.h"

static enum sl_status reserve(int *ret_socket, unsigned *ret_port, struct sl_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int yes = 1;

    SL_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, (const struct sockaddr *) &address, size) < 0 ||
        getsockname(fd, (struct sockaddr *) &address, &size) < 0)
        return sl_fail_errno(err, "cannot reserve a port for the server");
    *ret_port = ntohs(address.sin_port);
    *ret_socket = SL_TAKE_FD(fd);
    return SL_OK;
}

static enum sl_status make_password(sl_server_password ret_password, struct sl_error *err)
{
    uint64_t numbers[2];

    if (getrandom(numbers, sizeof numbers, 0) != (ssize_t) sizeof numbers)
        return sl_fail_errno(err, "cannot get random bytes");
    (void) snprintf(ret_password, sizeof(sl_server_password), "%016" PRIx64 "%016" PRIx64,
                    numbers[0], numbers[1]);
    return SL_OK;
}

enum sl_status
sl_server_layout_init(struct sl_server_layout *layout, unsigned n_nodes, struct sl_error *err)
{
    enum sl_status status = make_password(layout->subject, err);

    if (!status)
        status = make_password(layout->observer, err);
    if (!status)
        status = make_password(layout->route, err);
    layout->n_nodes = n_nodes;
    for (unsigned i = 0; i < SL_SERVER_MAX_NODES; i++)
        for (unsigned port = 0; port < SL_N_PORTS; port++)
            layout->nodes[i].reserved[port] = -1;
    for (unsigned i = 0; i < n_nodes; i++)
        for (unsigned port = 0; port < SL_N_PORTS && !status; port++)
            status = reserve(&layout->nodes[i].reserved[port], &layout->nodes[i].number[port], err);
    return status;
}

void sl_server_layout_release(struct sl_server_layout *layout)
{
    for (unsigned i = 0; i < layout->n_nodes; i++)
        for (unsigned port = 0; port < SL_N_PORTS; port++)
            sl_fd_closep(&layout->nodes[i].reserved[port]);
    layout->n_nodes = 0;
}

/* The part that makes a node one of several; their names are n1, n2... */
static void print_cluster(FILE *out, const struct sl_server_layout *layout, unsigned node)
{
    (void) fprintf(out,
                   "server_name: \"n%u\"\n"
                   "cluster {\n"
                   "    name: \"strandline\"\n"
                   "    listen: \"127.0.0.1:%u\"\n"
                   "    no_advertise: true\n"
                   "    authorization { user: \"" SL_USER_ROUTE "\", password: \"%s\" }\n"
                   "    routes: [",
                   node + 1, layout->nodes[node].number[SL_PORT_ROUTE], layout->route);
    for (unsigned i = 0; i < layout->n_nodes; i++)
        (void) fprintf(out, "%s\"nats://" SL_USER_ROUTE ":%s@127.0.0.1:%u\"", i > 0 ? ", " : "",
                       layout->route, layout->nodes[i].number[SL_PORT_ROUTE]);
    (void) fputs("]\n}\n", out);
}

/*
 * Every path is relative to the working directory, so that no name needs quoting.  The
 * limits are bounds, not reservations; given, they keep the server from deriving its own
 * from what is free at the moment, which would differ from run to run.
 */
static void print_config(FILE *out, const struct sl_server_layout *layout, unsigned node)
{
    (void) fprintf(out,
                   "listen: \"127.0.0.1:%u\"\n"
                   "jetstream {\n"
                   "    store_dir: \"store\"\n"
                   "    max_mem: 1073741824\n"
                   "    max_file: 10737418240\n"
                   "}\n"
                   "accounts {\n"
                   "    BUS: { jetstream: enabled, users: [ { user: \"" SL_USER_SUBJECT
                   "\", password: \"%s\" } ] }\n"
                   "    SYS: { users: [ { user: \"" SL_USER_OBSERVER "\", password: \"%s\" } ] }\n"
                   "}\n"
                   "system_account: SYS\n",
                   layout->nodes[node].number[SL_PORT_CLIENT], layout->subject, layout->observer);
    if (layout->n_nodes > 1)
        print_cluster(out, layout, node);
}

enum sl_status sl_server_layout_config(const struct sl_server_layout *layout, unsigned node,
                                       char *ret_text, size_t size, struct sl_error *err)
{
    FILE *out = fmemopen(ret_text, size, "w");
    if (out)
        print_config(out, layout, node);
    if (!out || fclose(out) != 0)
        return sl_fail_errno(err, "cannot write the server's configuration");
    return SL_OK;
}
