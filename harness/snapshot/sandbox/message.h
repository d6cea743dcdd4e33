/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the two sides of a sandbox: whole or not at all, with descriptors beside them.
 */
#ifndef SL_SNAPSHOT_SANDBOX_MESSAGE_H
#define SL_SNAPSHOT_SANDBOX_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define SL_MESSAGE_FDS 3

/* Parts, one behind the other, and descriptors, which stay the caller's. */
bool sl_message_send(int socket, const struct iovec *parts, size_t n_parts, const int *fds,
                     size_t n_fds);

/*
 * @param fds  the descriptors that came with it, -1 for each that did not; NULL: none is taken
 * @return the size; 0 when the other side is gone, or the message is larger; -1 with errno
 */
ssize_t sl_message_receive(int socket, void *data, size_t capacity, int fds[SL_MESSAGE_FDS]);

#endif
