/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/sandbox/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
    struct cmsghdr header; /* for its alignment */
    char data[CMSG_SPACE(SL_MESSAGE_FDS * sizeof(int))];
};

bool sl_message_send(int socket, const struct iovec *parts, size_t n_parts, const int *fds,
                     size_t n_fds)
{
    struct msghdr message = {.msg_iov = (struct iovec *) parts, .msg_iovlen = n_parts};
    union control control = {0};

    if (n_fds) {
        size_t size = n_fds * sizeof *fds;
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), fds, size);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static void take_fds(struct msghdr *message, int fds[SL_MESSAGE_FDS])
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);

    for (size_t i = 0; i < SL_MESSAGE_FDS; i++)
        fds[i] = -1;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
}

ssize_t sl_message_receive(int socket, void *data, size_t capacity, int fds[SL_MESSAGE_FDS])
{
    struct iovec part = {.iov_base = data, .iov_len = capacity};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {0};

    if (fds) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (fds)
        take_fds(&message, fds);
    return got > 0 && (message.msg_flags & MSG_TRUNC) ? 0 : got;
}
