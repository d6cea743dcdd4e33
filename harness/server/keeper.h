/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that holds the nodes of one server and their directory, and outlives
 * neither its observer nor its task.
 *
 * It is forked, not executed anew, so that it works in any program that links this
 * library.  The program may have several threads; therefore everything that allocates,
 * formats or looks something up is done before the fork, and the keeper makes system
 * calls only.
 *
 * The connection between the two is a socket pair.  The keeper starts every node and
 * reports each; then it takes orders, one struct sl_keeper_order per message, and answers
 * each of those.  The end of file is the order to finish, and the kernel gives it even for
 * an observer that was killed.  The keeper's own end of file says that it has finished.
 *
 * Each node leads a process group of its own, which ends with it: it may be a script that runs a
 * server.  Whatever else it leaves behind comes to the keeper, which ends it when it finishes, and
 * then removes the directory.  Of a keeper that was killed the nodes die (PR_SET_PDEATHSIG), and
 * the observer ends their groups.  The keeper reaps a node only when it is ordered to start it
 * again or when it finishes, so a node's pid stays valid until then.
 */
#ifndef SL_SERVER_KEEPER_H
#define SL_SERVER_KEEPER_H

#include <limits.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "harness/server/layout.h"

struct sl_keeper_plan {
    char directory[PATH_MAX]; /* to be created */
    char program[PATH_MAX];   /* absolute */
    unsigned n_nodes;
    struct sl_keeper_node {
        char name[16]; /* of its working directory, in `directory` */
        char config[2048];
    } nodes[SL_SERVER_MAX_NODES];
};

enum sl_keeper_step {
    SL_KEEPER_STARTED, /* the node's process exists, but may still fail to execute */
    SL_KEEPER_NO_NULL_DEVICE,
    SL_KEEPER_NO_DIRECTORY,
    SL_KEEPER_NO_CONFIG,
    SL_KEEPER_NO_PROCESS,
    SL_KEEPER_NO_PROGRAM,
};

struct sl_keeper_report {
    enum sl_keeper_step step;
    int error; /* errno of the step that failed */
    unsigned node;
    pid_t pid;
};

enum sl_keeper_wish {
    SL_KEEPER_START, /* the node again, in its directory; it is killed first if it still runs */
    SL_KEEPER_TELL   /* what the node printed last: a newline, then the text, in one message */
};

struct sl_keeper_order {
    enum sl_keeper_wish wish;
    unsigned node;
};

/*
 * Fork the keeper.
 *
 * @param ret_fd  the observer's end of the connection
 */
SL_CHECKED enum sl_status sl_keeper_start(const struct sl_keeper_plan *plan, pid_t *ret_keeper,
                                          int *ret_fd, struct sl_error *err);

#endif
