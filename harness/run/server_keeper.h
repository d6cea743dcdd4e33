/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that holds one server and its directory, and outlives neither its
 * observer nor its task.
 *
 * It is forked, not executed anew, so that it works in any program that links this
 * library.  The program may have several threads; therefore everything that allocates,
 * formats or looks something up is done before the fork, and the keeper makes system
 * calls only.
 *
 * The connection between the two is a socket pair.  The keeper sends reports; the observer
 * sends nothing: the end of file is the order to finish, and the kernel gives it even for an
 * observer that was killed.  The keeper's own end of file says that it has finished.
 *
 * The server dies with the keeper (PR_SET_PDEATHSIG).  The keeper does not reap the server
 * before it finishes, so the server's pid stays valid as long as the keeper lives.
 */
#ifndef SL_RUN_SERVER_KEEPER_H
#define SL_RUN_SERVER_KEEPER_H

#include <limits.h>
#include <sys/types.h>

#include <strandline/error.h>

#define SL_KEEPER_LOG "server.log" /* what the server writes to stdout and stderr */

struct sl_keeper_plan {
    char directory[PATH_MAX]; /* to be created; the server's working directory */
    char program[PATH_MAX];   /* absolute */
};

enum sl_keeper_step {
    SL_KEEPER_STARTED, /* the server's process exists, but may still fail to execute */
    SL_KEEPER_NO_NULL_DEVICE,
    SL_KEEPER_NO_DIRECTORY,
    SL_KEEPER_NO_CONFIG,
    SL_KEEPER_NO_PROCESS,
    SL_KEEPER_NO_PROGRAM,
};

struct sl_keeper_report {
    enum sl_keeper_step step;
    int error; /* errno of the step that failed */
    pid_t server;
};

/*
 * Fork the keeper.
 *
 * @param ret_fd  the observer's end of the connection: one sl_keeper_report per message
 */
SL_CHECKED enum sl_status sl_keeper_start(const struct sl_keeper_plan *plan, pid_t *ret_keeper,
                                          int *ret_fd, struct sl_error *err);

#endif
