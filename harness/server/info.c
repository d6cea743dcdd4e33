/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/info.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/wait.h"

/* @return a connected socket, or -1 with errno */
static int connect_socket(const struct addrinfo *to, uint64_t deadline_ns)
{
    SL_AUTO_FD int fd =
        socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return -1;
    if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
        if (errno != EINPROGRESS || !sl_wait_ready(fd, POLLOUT, deadline_ns))
            return -1;
        (void) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            errno = error;
            return -1;
        }
    }
    return SL_TAKE_FD(fd);
}

/* @return a socket connected to the first address that accepts, or -1 with err filled */
static int connect_to(const struct sl_url *address, uint64_t deadline_ns, struct sl_error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses;
    int fd = -1;

    int problem = getaddrinfo(address->host, address->port, &hints, &addresses);
    if (problem) {
        (void) sl_fail(err, SL_ECONNECT, "cannot look up the host of '%s': %s", address->text,
                       gai_strerror(problem));
        return -1;
    }
    for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next)
        fd = connect_socket(a, deadline_ns);
    if (fd < 0) {
        char text[96];
        (void) sl_fail(err, SL_ECONNECT, "cannot connect to '%s': %s", address->text,
                       strerror_r(errno, text, sizeof text));
    }
    freeaddrinfo(addresses);
    return fd;
}

/* Read up to the end of a line, of the stream or of the buffer. */
static enum sl_status read_line(int fd, const char *url, uint64_t deadline_ns, char *ret_text,
                                size_t size, struct sl_error *err)
{
    size_t used = 0;

    while (used + 1 < size && !memchr(ret_text, '\n', used)) {
        ssize_t n = -1;
        if (sl_wait_ready(fd, POLLIN, deadline_ns))
            n = recv(fd, ret_text + used, size - 1 - used, 0);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            char text[96];
            return sl_fail(err, SL_ECONNECT, "cannot read from '%s': %s", url,
                           strerror_r(errno, text, sizeof text));
        }
        if (n > 0)
            used += (size_t) n;
    }
    ret_text[used] = '\0';
    return SL_OK;
}

/*
 * The version in the line's JSON object, or "".
 *
 * No JSON reader is needed: within a string a quote has a backslash before it, so the
 * pattern, which ends its key with a bare quote, matches keys only.
 */
static void copy_version(const char *line, char *ret_version, size_t size)
{
    static const char key[] = "\"version\":";
    const char *text = strstr(line, key);

    if (text)
        text += strlen(key) + strspn(text + strlen(key), " ");
    size_t length = text && *text == '"' ? strcspn(++text, "\"\\") : 0;
    /* Cut short it would be another one; unknown is better. */
    if (length >= size || (length > 0 && text[length] != '"'))
        length = 0;
    if (length > 0)
        memcpy(ret_version, text, length);
    ret_version[length] = '\0';
}

enum sl_status sl_server_info_read(const struct sl_url *address, uint64_t deadline_ns,
                                   struct sl_server_info *ret_info, struct sl_error *err)
{
    static const char greeting[] = "INFO {";
    char line[8192];

    SL_AUTO_FD int fd = connect_to(address, deadline_ns, err);
    if (fd < 0)
        return SL_ECONNECT;
    /* The fields that matter come early: a line that does not fit is no failure. */
    enum sl_status status = read_line(fd, address->text, deadline_ns, line, sizeof line, err);
    if (status)
        return status;
    if (strncmp(line, greeting, strlen(greeting)) != 0)
        return sl_fail(err, SL_EPROTO, "'%s' does not speak NATS", address->text);

    copy_version(line, ret_info->version, sizeof ret_info->version);
    return SL_OK;
}

bool sl_server_is_healthy(const struct sl_url *monitor, uint64_t deadline_ns)
{
    static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
    char line[256];
    unsigned status = 0;

    SL_AUTO_FD int fd = connect_to(monitor, deadline_ns, NULL);
    if (fd < 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t) strlen(request) ||
        read_line(fd, monitor->text, deadline_ns, line, sizeof line, NULL))
        return false;
    return sscanf(line, "HTTP/%*u.%*u %u", &status) == 1 && status == 200;
}
