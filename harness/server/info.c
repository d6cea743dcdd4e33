/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/info.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/wait.h"

#define LINE_SIZE    8192
#define MAX_GREETING (1 << 20)
#define ANSWER_NS    SL_NS_PER_S /* between two processes of one machine */

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

/* Read until `end` is there, or to the end of the stream or of the room. */
static enum sl_status read_up_to(int fd, const char *end, const struct sl_url *address,
                                 uint64_t deadline_ns, char ret_text[LINE_SIZE],
                                 struct sl_error *err)
{
    size_t used = 0;

    while (used + 1 < LINE_SIZE && !memmem(ret_text, used, end, strlen(end))) {
        ssize_t n = -1;
        if (sl_wait_ready(fd, POLLIN, deadline_ns))
            n = recv(fd, ret_text + used, LINE_SIZE - 1 - used, 0);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            char text[96];
            return sl_fail(err, SL_ECONNECT, "cannot read from '%s': %s", address->text,
                           strerror_r(errno, text, sizeof text));
        }
        if (n > 0)
            used += (size_t) n;
    }
    ret_text[used] = '\0';
    return SL_OK;
}

/*
 * A text of the line's JSON object, or "".
 *
 * No JSON reader is needed: within a string a quote has a backslash before it, so the
 * pattern, which begins and ends its key with a bare quote, matches keys only.
 *
 * @param key  "\"version\":"
 */
static void copy_text(const char *line, const char *key, char *ret_text, size_t size)
{
    const char *text = strstr(line, key);

    if (text)
        text += strlen(key) + strspn(text + strlen(key), " ");
    size_t length = text && *text == '"' ? strcspn(++text, "\"\\") : 0;
    /* Cut short it would be another one; unknown is better. */
    if (length >= size || (length > 0 && text[length] != '"'))
        length = 0;
    if (length > 0)
        memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

/* @param ret_line  the INFO line, or the beginning of one that does not fit */
static enum sl_status read_greeting(int fd, const struct sl_url *address, uint64_t deadline_ns,
                                    char ret_line[LINE_SIZE], struct sl_error *err)
{
    static const char greeting[] = "INFO {";

    enum sl_status status = read_up_to(fd, "\n", address, deadline_ns, ret_line, err);
    if (status)
        return status;
    if (strncmp(ret_line, greeting, strlen(greeting)) != 0)
        return sl_fail(err, SL_EPROTO, "'%s' does not speak NATS", address->text);
    return SL_OK;
}

enum sl_status sl_server_info_read(const struct sl_url *address, uint64_t deadline_ns,
                                   struct sl_server_info *ret_info, struct sl_error *err)
{
    char line[LINE_SIZE];

    SL_AUTO_FD int fd = connect_to(address, deadline_ns, err);
    if (fd < 0)
        return SL_ECONNECT;
    /* The fields that matter come early: a line that does not fit is no failure. */
    enum sl_status status = read_greeting(fd, address, deadline_ns, line, err);
    if (!status)
        copy_text(line, "\"version\":", ret_info->version, sizeof ret_info->version);
    return status;
}

/* Is a key of the line's JSON object true?  @param key  "\"tls_required\":" */
static bool is_true(const char *line, const char *key)
{
    const char *value = strstr(line, key);

    if (value)
        value += strlen(key) + strspn(value + strlen(key), " ");
    return value && strncmp(value, "true", strlen("true")) == 0;
}

/* The rest of a greeting that is longer than our line, as one that lists a large cluster is. */
static enum sl_status skip_greeting(int fd, const struct sl_url *address, uint64_t deadline_ns,
                                    const char *greeting, struct sl_error *err)
{
    char rest[LINE_SIZE];
    bool ended = strchr(greeting, '\n');

    for (unsigned i = 0; !ended && i < MAX_GREETING / LINE_SIZE; i++) {
        enum sl_status status = read_up_to(fd, "\n", address, deadline_ns, rest, err);
        if (status)
            return status;
        if (!*rest) /* the end of the stream */
            break;
        ended = strchr(rest, '\n');
    }
    if (!ended)
        return sl_fail(err, SL_EPROTO, "'%s' sends an INFO line that has no end", address->text);
    return SL_OK;
}

/*
 * Nobody is let in without credentials, and none are sent: a server that wants them says so, and
 * that is an answer.
 */
static enum sl_status
ask_for_pong(int fd, const struct sl_url *address, uint64_t deadline_ns, struct sl_error *err)
{
    static const char question[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n";
    static const char pong[] = "PONG\r\n";
    char answer[LINE_SIZE];

    if (send(fd, question, strlen(question), MSG_NOSIGNAL) < 0)
        return SL_OK; /* ended, not silent */
    enum sl_status status = read_up_to(fd, pong, address, deadline_ns, answer, NULL);
    if (status && errno == ETIMEDOUT)
        return sl_fail(err, SL_ETIMEDOUT, "the server at '%s' does not answer a PING",
                       address->text);
    if (status || !*answer || strstr(answer, pong) || strstr(answer, "-ERR"))
        return SL_OK;
    return sl_fail(err, SL_EPROTO,
                   "the server at '%s' answers a PING with something else than PONG",
                   address->text);
}

/* A handshake that is called off at once: whoever speaks TLS closes, or says something. */
static enum sl_status
ask_for_tls(int fd, const struct sl_url *address, uint64_t deadline_ns, struct sl_error *err)
{
    static const unsigned char alert[] = {21, 3, 1, 0, 2, 2, 40}; /* fatal: handshake_failure */

    if (send(fd, alert, sizeof alert, MSG_NOSIGNAL) < 0 || sl_wait_ready(fd, POLLIN, deadline_ns))
        return SL_OK;
    return sl_fail(err, SL_ETIMEDOUT, "the server at '%s' asks for TLS and does not answer it",
                   address->text);
}

enum sl_status
sl_server_info_ask(const struct sl_url *address, uint64_t deadline_ns, struct sl_error *err)
{
    char line[LINE_SIZE];

    SL_AUTO_FD int fd = connect_to(address, deadline_ns, NULL);
    if (fd < 0 || read_greeting(fd, address, deadline_ns, line, NULL))
        return SL_OK;
    enum sl_status status = skip_greeting(fd, address, deadline_ns, line, err);
    if (status)
        return status;
    return is_true(line, "\"tls_required\":") ? ask_for_tls(fd, address, deadline_ns, err)
                                              : ask_for_pong(fd, address, deadline_ns, err);
}

bool sl_server_is_healthy(const struct sl_url *server, const char *user, const char *password,
                          uint64_t deadline_ns)
{
    char line[LINE_SIZE], id[64], state[16];

    deadline_ns = SL_MIN(deadline_ns, sl_clock_now_ns() + ANSWER_NS);
    SL_AUTO_FD int fd = connect_to(server, deadline_ns, NULL);
    if (fd < 0 || read_greeting(fd, server, deadline_ns, line, NULL))
        return false;
    copy_text(line, "\"server_id\":", id, sizeof id);
    int size = snprintf(line, sizeof line,
                        "CONNECT {\"verbose\":false,\"user\":\"%s\",\"pass\":\"%s\"}\r\n"
                        "SUB answer 1\r\n"
                        "PUB $SYS.REQ.SERVER.%s.HEALTHZ answer 0\r\n\r\n",
                        user, password, id);
    if (send(fd, line, (size_t) size, MSG_NOSIGNAL) != size ||
        read_up_to(fd, "}}", server, deadline_ns, line, NULL))
        return false;
    copy_text(line, "\"status\":", state, sizeof state);
    return strcmp(state, "ok") == 0;
}
