/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the nodes of a private server listen, whom they let in, and their configuration files.
 *
 * Every user of the machine can connect to a port, so each kind of client has a password that was
 * made for this server: what is measured, in an account of its own; the observer, in the system's
 * account, to ask whether a node is healthy; the nodes among themselves.
 *
 * Every port is reserved before a node is started, because the nodes of a cluster have to
 * know one another's: a socket is bound to it and never listens.  A server can listen on
 * such a port nevertheless, since both sides set SO_REUSEADDR, while the system gives it to
 * nobody else.  So a node that was killed finds its ports free again.
 */
#ifndef SL_SERVER_LAYOUT_H
#define SL_SERVER_LAYOUT_H

#include <stddef.h>

#include <strandline/error.h>

#define SL_SERVER_MAX_NODES 5u

enum sl_server_port { SL_PORT_CLIENT, SL_PORT_ROUTE, SL_N_PORTS };

/* Names of users, each with its own password. */
#define SL_USER_SUBJECT  "subject"
#define SL_USER_OBSERVER "observer"
#define SL_USER_ROUTE    "route"

typedef char sl_server_password[33]; /* 128 bits as hexadecimal digits */

struct sl_server_layout {
    unsigned n_nodes;
    sl_server_password subject, observer, route;
    struct sl_server_ports {
        int reserved[SL_N_PORTS]; /* sockets; -1 none */
        unsigned number[SL_N_PORTS];
    } nodes[SL_SERVER_MAX_NODES];
};

/* Make passwords, reserve ports on the loopback interface.  What was reserved is in the layout on
 * failure too. */
SL_CHECKED enum sl_status
sl_server_layout_init(struct sl_server_layout *layout, unsigned n_nodes, struct sl_error *err);
void sl_server_layout_release(struct sl_server_layout *layout);

/* Configuration file of a node, for a node whose working directory is its own. */
SL_CHECKED enum sl_status sl_server_layout_config(const struct sl_server_layout *layout,
                                                  unsigned node, char *ret_text, size_t size,
                                                  struct sl_error *err);

#endif
