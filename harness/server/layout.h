/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the nodes of a private server listen, and their configuration files.
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

enum sl_server_port { SL_PORT_CLIENT, SL_PORT_MONITOR, SL_PORT_ROUTE, SL_N_PORTS };

struct sl_server_layout {
    unsigned n_nodes;
    struct sl_server_ports {
        int reserved[SL_N_PORTS]; /* sockets; -1 none */
        unsigned number[SL_N_PORTS];
    } nodes[SL_SERVER_MAX_NODES];
};

/* Reserve ports on the loopback interface.  What was reserved is in the layout on failure too. */
SL_CHECKED enum sl_status
sl_server_layout_init(struct sl_server_layout *layout, unsigned n_nodes, struct sl_error *err);
void sl_server_layout_release(struct sl_server_layout *layout);

/* Configuration file of a node, for a node whose working directory is its own. */
SL_CHECKED enum sl_status sl_server_layout_config(const struct sl_server_layout *layout,
                                                  unsigned node, char *ret_text, size_t size,
                                                  struct sl_error *err);

#endif
