/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node prints, of which its keeper remembers the end: however much it is, it takes no room.
 * System calls only, as in all of the keeper.
 */
#ifndef SL_SERVER_KEEPER_LOG_H
#define SL_SERVER_KEEPER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEPER_LOG_SIZE 16384u

struct keeper_log {
    int fd;        /* of the pipe that the node prints to; -1: none, or nobody has its other end */
    uint64_t size; /* of all that was printed */
    char bytes[KEEPER_LOG_SIZE]; /* a ring */
};

/* Take what is there, at most so much that others get their turn. */
void keeper_log_read(struct keeper_log *log);

/* The end of the log, oldest first.  @return its size */
size_t keeper_log_copy(const struct keeper_log *log, char ret_bytes[KEEPER_LOG_SIZE]);

#endif
